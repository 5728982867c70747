package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func TestEngineGoesOnAfterARestart(t *testing.T) {
	b := newBench(t)
	update, token := b.begin(nil)
	b.append(update, token, begun(1, 1, "a"))
	b.restart()
	b.wantState("", "creating a")
	b.append(update, token, done(2, 1, "a"))
	if err := b.stack().Complete(update, token, apitype.UpdateStatusSucceeded); err != nil {
		t.Fatal(err)
	}
	b.wantState("a", "")
}

// The service can die between any two of the steps of a compaction: checkpoint, journal, record.
func TestCompactionSurvivesACrashBetweenItsSteps(t *testing.T) {
	for _, crash := range []string{"before the journal went", "before the record was written"} {
		t.Run(crash, func(t *testing.T) {
			b := newBench(t)
			first, token := b.begin(nil)
			b.append(first, token, begun(1, 1, "x"), done(2, 1, "x"), begun(3, 2, "y"), done(4, 2, "y"))
			if err := b.stack().Complete(first, token, apitype.UpdateStatusSucceeded); err != nil {
				t.Fatal(err)
			}
			update, token := b.begin(nil)
			// Applied twice, this would remove y as well.
			b.append(update, token, apitype.JournalEntry{
				Version: 1, Kind: apitype.JournalEntryKindSuccess, SequenceID: 1, OperationID: 1, RemoveOld: index(0),
			})
			journal, record := b.read(journalFile), b.read(recordFile)
			if err := b.stack().Complete(update, token, apitype.UpdateStatusSucceeded); err != nil {
				t.Fatal(err)
			}
			b.write(recordFile, record)
			if crash == "before the journal went" {
				b.write(journalFile, journal)
			}
			b.restart()
			b.wantState("y", "")
			if err := b.stack().Complete(update, token, apitype.UpdateStatusSucceeded); err != nil {
				t.Fatalf("the engine repeats its request: %v", err)
			}
			b.wantState("y", "")
			b.wantFile(journalFile, false)
		})
	}
}

func TestLeftOversOfACrashWithinAWriteAreCleared(t *testing.T) {
	b := newBench(t)
	b.write(checkpointFile+".tmp-123", []byte(`{"half`))
	b.restart()
	b.wantFile(checkpointFile+".tmp-123", false)
	b.wantState("", "")
}

func TestFailedWriteKeepsTheUpdateAndItsJournal(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root writes anywhere; a directory in the file's place stands for the disk that cannot be written")
	}
	b := newBench(t)
	update, token := b.begin(nil)
	b.append(update, token, begun(1, 1, "a"), done(2, 1, "a"))
	obstacle := filepath.Join(b.stack().directory, checkpointFile)
	if err := os.MkdirAll(filepath.Join(obstacle, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.stack().Complete(update, token, apitype.UpdateStatusSucceeded); err == nil {
		t.Fatal("a state that was not written counts as written")
	}
	b.wantFile(journalFile, true)
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := b.stack().Complete(update, token, apitype.UpdateStatusSucceeded); err != nil {
		t.Fatal(err)
	}
	b.wantState("a", "")
}
