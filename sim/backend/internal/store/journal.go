package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// journalHeader is the first line of a journal. Entries name resources by their index in the checkpoint on which
// the update began, so they must never be applied to any other one.
type journalHeader struct {
	// Base is the Generation of that checkpoint.
	Base int64 `json:"base"`
	// Update is the id of the update whose steps these are.
	Update string `json:"update"`
}

// journal is the file to which the running update's steps are appended, one accepted batch a line.
type journal struct {
	file *os.File
	// size is the length of what is known to be whole and on disk.
	size int64
	// count is the number of entries, repeated ones included.
	count int
}

// createJournal starts an empty journal in place of whatever is at path.
func createJournal(path string, header journalHeader) (*journal, error) {
	line, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file}
	if err := j.writeLine(line); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// openJournal opens a left-over journal for reading and further appends. A last line that was not written whole was
// never acknowledged, and is cut off.
func openJournal(path string) (*journal, journalHeader, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, journalHeader{}, err
	}
	j := &journal{file: file}
	header, err := j.scan(nil)
	if err != nil {
		return nil, journalHeader{}, errors.Join(err, file.Close())
	}
	if err := file.Truncate(j.size); err != nil {
		return nil, journalHeader{}, errors.Join(err, file.Close())
	}
	return j, header, nil
}

// append writes one batch and returns when it is on disk. The batch is the JSON of apitype.JournalEntries.
func (j *journal) append(batch []byte, entries int) error {
	if bytes.ContainsAny(batch, "\r\n") {
		var compact bytes.Buffer
		if err := json.Compact(&compact, batch); err != nil {
			return err
		}
		batch = compact.Bytes()
	}
	if err := j.writeLine(batch); err != nil {
		return err
	}
	j.count += entries
	return nil
}

func (j *journal) writeLine(line []byte) error {
	buffer := make([]byte, 0, len(line)+1)
	buffer = append(append(buffer, line...), '\n')
	_, err := j.file.WriteAt(buffer, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		// What was refused must not come back at the next replay.
		return errors.Join(fmt.Errorf("writing the journal: %w", err), j.file.Truncate(j.size))
	}
	j.size += int64(len(buffer))
	return nil
}

// entries reads all entries back, in the order in which they were accepted.
func (j *journal) entries() ([]apitype.JournalEntry, error) {
	all := make([]apitype.JournalEntry, 0, j.count)
	_, err := j.scan(func(batch []apitype.JournalEntry) { all = append(all, batch...) })
	return all, err
}

// scan reads the file from its start, sets size and count to what is whole, and hands each batch to visit.
func (j *journal) scan(visit func([]apitype.JournalEntry)) (journalHeader, error) {
	var header journalHeader
	reader := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, 1<<62), 1<<16)
	j.size, j.count = 0, 0
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return header, nil
		}
		if err != nil {
			return header, err
		}
		var batch apitype.JournalEntries
		if number == 1 {
			err = json.Unmarshal(line, &header)
		} else {
			err = json.Unmarshal(line, &batch)
		}
		if err != nil {
			if _, peekErr := reader.Peek(1); errors.Is(peekErr, io.EOF) {
				return header, nil
			}
			return header, fmt.Errorf("%s is damaged in line %d; moving it away goes back to the state before that update: %w",
				j.file.Name(), number, err)
		}
		j.size += int64(len(line))
		j.count += len(batch.Entries)
		if visit != nil && number > 1 {
			visit(batch.Entries)
		}
	}
}

func (j *journal) close() error {
	return j.file.Close()
}
