package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const urnPrefix = "urn:pulumi:dev::project::test:index:Thing::"

// begun and done are the two entries that the engine writes around a create.
func begun(sequence, operation int64, name string) apitype.JournalEntry {
	return apitype.JournalEntry{
		Version: 1, Kind: apitype.JournalEntryKindBegin, SequenceID: sequence, OperationID: operation,
		Operation: &apitype.OperationV2{Type: apitype.OperationTypeCreating, Resource: thing(name)},
	}
}

func done(sequence, operation int64, name string) apitype.JournalEntry {
	created := thing(name)
	return apitype.JournalEntry{
		Version: 1, Kind: apitype.JournalEntryKindSuccess, SequenceID: sequence, OperationID: operation, State: &created,
	}
}

func thing(name string) apitype.ResourceV3 {
	return apitype.ResourceV3{URN: resource.URN(urnPrefix + name), Type: "test:index:Thing", Custom: false}
}

func encode(t *testing.T, entries ...apitype.JournalEntry) []byte {
	t.Helper()
	batch, err := json.Marshal(apitype.JournalEntries{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func newJournal(t *testing.T, batches ...[]apitype.JournalEntry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), journalFile)
	j, err := createJournal(path, journalHeader{Base: 3, Update: "u"})
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range batches {
		if err := j.append(encode(t, batch...), len(batch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestJournalGivesBackWhatWasAppended(t *testing.T) {
	path := newJournal(t, []apitype.JournalEntry{begun(1, 1, "a")}, []apitype.JournalEntry{done(2, 1, "a"), begun(3, 2, "b")})
	j, header, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.close() }()
	entries, err := j.entries()
	if err != nil {
		t.Fatal(err)
	}
	if header.Base != 3 || header.Update != "u" || len(entries) != 3 || j.count != 3 || entries[2].SequenceID != 3 {
		t.Fatalf("header %+v, %d entries, count %d: %v", header, len(entries), j.count, entries)
	}
}

// A crash can cut the last line anywhere; whatever remains of it was never acknowledged.
func TestTornLastLineIsDroppedAtEveryLength(t *testing.T) {
	path := newJournal(t, []apitype.JournalEntry{begun(1, 1, "a")}, []apitype.JournalEntry{done(2, 1, "a")})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lastLine := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	for length := lastLine; length < len(whole); length++ {
		if err := os.WriteFile(path, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		j, _, err := openJournal(path)
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", length, err)
		}
		if j.count != 1 {
			t.Fatalf("cut to %d bytes: %d entries, want 1", length, j.count)
		}
		if err := j.append(encode(t, begun(9, 9, "z")), 1); err != nil {
			t.Fatal(err)
		}
		entries, err := j.entries()
		if err != nil || len(entries) != 2 || entries[1].SequenceID != 9 {
			t.Fatalf("cut to %d bytes, then appended: %v, %v", length, entries, err)
		}
		_ = j.close()
	}
}

func TestGarbageInPlaceOfTheLastLineIsDropped(t *testing.T) {
	path := newJournal(t, []apitype.JournalEntry{begun(1, 1, "a")})
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("\x00\x00\x00\n"); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	j, _, err := openJournal(path)
	if err != nil || j.count != 1 {
		t.Fatalf("%v, %+v", err, j)
	}
	_ = j.close()
}

func TestDamageBeforeTheLastLineIsAnError(t *testing.T) {
	path := newJournal(t, []apitype.JournalEntry{begun(1, 1, "a")}, []apitype.JournalEntry{done(2, 1, "a")})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := strings.Replace(string(whole), `"entries"`, `"entr`, 1)
	if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openJournal(path); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Fatalf("want an error that names line 2, got %v", err)
	}
}

func TestRefusedBatchLeavesNoTrace(t *testing.T) {
	path := newJournal(t)
	j, _, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = j.close()
	if err := j.append(encode(t, begun(1, 1, "a")), 1); err == nil {
		t.Fatal("an append to a closed file was accepted")
	}
	again, _, err := openJournal(path)
	if err != nil || again.count != 0 || j.count != 0 {
		t.Fatalf("%v, counts %d and %d", err, again.count, j.count)
	}
	_ = again.close()
}

func TestBatchWithLineBreaksBecomesOneLine(t *testing.T) {
	path := newJournal(t)
	j, _, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.close() }()
	indented, err := json.MarshalIndent(apitype.JournalEntries{Entries: []apitype.JournalEntry{begun(1, 1, "a")}}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.append(indented, 1); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || strings.Count(string(content), "\n") != 2 {
		t.Fatalf("%v: %q", err, content)
	}
}
