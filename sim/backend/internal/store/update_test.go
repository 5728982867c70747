package store

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func TestCompletedUpdateIsCompacted(t *testing.T) {
	b := newBench(t)
	update, token := b.begin(nil)
	b.append(update, token, begun(1, 1, "a"), done(2, 1, "a"))
	b.wantFile(checkpointFile, false)
	b.wantState("a", "")
	for range 2 { // the second is a repeated request
		if err := b.stack().Complete(update, token, apitype.UpdateStatusSucceeded); err != nil {
			t.Fatal(err)
		}
	}
	b.wantFile(journalFile, false)
	b.wantState("a", "")
	b.restart()
	b.wantState("a", "")
	history := b.stack().History()
	if len(history) != 1 || history[0].Version != 1 || history[0].Result != apitype.SucceededResult {
		t.Fatalf("history %+v", history)
	}
}

func TestSecondUpdateIsRefusedWithWhoAndWhen(t *testing.T) {
	b := newBench(t)
	here, _ := ownProcess(t)
	b.begin(here)
	second := b.stack().Announce("destroy", false, apitype.UpdateProgramRequest{})
	_, err := b.stack().Start(second, apitype.StartUpdateRequest{JournalVersion: 1}, nil)
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Kind != "update" || !conflict.Started.Equal(b.now) {
		t.Fatalf("got %v", err)
	}
	if here != nil && conflict.Process != os.Getpid() {
		t.Fatalf("conflict names process %d", conflict.Process)
	}
	if err := b.store.Delete(id, true); !errors.As(err, &conflict) {
		t.Fatalf("deleting a stack under update: %v", err)
	}
	if _, err := b.stack().Import(apitype.UntypedDeployment{Version: 3, Deployment: []byte("{}")}); !errors.As(err, &conflict) {
		t.Fatalf("importing into a stack under update: %v", err)
	}
}

func TestOnlyOneOfManyUpdatesStarts(t *testing.T) {
	b := newBench(t)
	var wait sync.WaitGroup
	results := make(chan error, 20)
	for range cap(results) {
		wait.Go(func() {
			update := b.stack().Announce("update", false, apitype.UpdateProgramRequest{})
			_, err := b.stack().Start(update, apitype.StartUpdateRequest{JournalVersion: 1}, nil)
			results <- err
		})
	}
	wait.Wait()
	close(results)
	won := 0
	for err := range results {
		var conflict *ConflictError
		if err == nil {
			won++
		} else if !errors.As(err, &conflict) {
			t.Fatal(err)
		}
	}
	if won != 1 {
		t.Fatalf("%d updates started, want 1", won)
	}
}

func TestPreviewNeverHoldsTheStack(t *testing.T) {
	b := newBench(t)
	preview := b.stack().Announce("update", true, apitype.UpdateProgramRequest{})
	if _, err := b.stack().Start(preview, apitype.StartUpdateRequest{}, nil); err != nil {
		t.Fatal(err)
	}
	b.begin(nil)
	if err := b.stack().Complete(preview, "any", apitype.UpdateStatusSucceeded); err != nil {
		t.Fatal(err)
	}
}

func TestSilentUpdateIsReleasedWhenItsLeaseEnds(t *testing.T) {
	b := newBench(t)
	update, token := b.begin(nil)
	b.append(update, token, begun(1, 1, "a"), done(2, 1, "a"), begun(3, 2, "b"))
	b.now = b.now.Add(DefaultLease - time.Second)
	if _, err := b.stack().Renew(update, token); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(DefaultLease)
	second := b.stack().Announce("update", false, apitype.UpdateProgramRequest{})
	var conflict *ConflictError
	if _, err := b.stack().Start(second, apitype.StartUpdateRequest{JournalVersion: 1}, nil); !errors.As(err, &conflict) {
		t.Fatalf("a renewed lease did not hold: %v", err)
	}
	b.now = b.now.Add(time.Second)
	if _, err := b.stack().Start(second, apitype.StartUpdateRequest{JournalVersion: 1}, nil); err != nil {
		t.Fatal(err)
	}
	b.wantState("a", "creating b")
	if err := b.stack().Append(update, token, encode(t, done(4, 2, "b")), 1); !errors.Is(err, ErrLeaseLost) {
		t.Fatalf("the released engine still writes: %v", err)
	}
}

func TestKilledEngineIsReleasedAtOnce(t *testing.T) {
	b := newBench(t)
	here, there := ownProcess(t)
	if here == nil {
		t.Skip("processes are not known on this platform")
	}
	update, token := b.begin(there)
	b.append(update, token, begun(1, 1, "a"))
	b.begin(here)
	b.wantState("", "creating a")
}

func TestCancelKeepsTheStepsAndShutsTheEngineOut(t *testing.T) {
	b := newBench(t)
	update, token := b.begin(nil)
	b.append(update, token, begun(1, 1, "a"), done(2, 1, "a"), begun(3, 2, "b"))
	if err := b.stack().Cancel("another"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if err := b.stack().Cancel(update); err != nil {
		t.Fatal(err)
	}
	b.wantState("a", "creating b")
	for name, err := range map[string]error{
		"append":   b.stack().Append(update, token, encode(t, done(4, 2, "b")), 1),
		"complete": b.stack().Complete(update, token, apitype.UpdateStatusSucceeded),
		"touch":    b.stack().Touch(update, token),
	} {
		if !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s after cancel: %v", name, err)
		}
	}
	b.begin(nil)
}

func TestWholeStatesAreTakenFromAnEngineThatDoesNotJournal(t *testing.T) {
	b := newBench(t)
	update := b.stack().Announce("update", false, apitype.UpdateProgramRequest{})
	started, err := b.stack().Start(update, apitype.StartUpdateRequest{}, nil)
	if err != nil || started.Journaling {
		t.Fatalf("%+v, %v", started, err)
	}
	state := apitype.UntypedDeployment{Version: 3, Deployment: []byte(`{"resources":[{"urn":"` + urnPrefix + `a","type":"test:index:Thing","custom":false}]}`)}
	if err := b.stack().SaveCheckpoint(update, started.Token, state); err != nil {
		t.Fatal(err)
	}
	if err := b.stack().Append(update, started.Token, encode(t, begun(1, 1, "b")), 1); !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	b.restart()
	b.wantState("a", "")
}

func TestSecondServiceOnTheSameDirectoryIsRefused(t *testing.T) {
	b := newBench(t)
	_, err := Open(b.directory, Options{})
	if err == nil || !strings.Contains(err.Error(), "in use by the service with process id") {
		t.Fatalf("got %v", err)
	}
}

func TestStackNamesStayInsideTheDirectory(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"", ".", "..", ".hidden", "a/b", `a\b`, "a b", strings.Repeat("a", 101)} {
		if _, err := b.store.Create(ID{Project: "project", Name: name}, apitype.CreateStackRequest{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("stack %q: %v", name, err)
		}
		if _, err := b.store.Create(ID{Project: name, Name: "dev"}, apitype.CreateStackRequest{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("project %q: %v", name, err)
		}
	}
}

func TestHistoryIsBoundedAndOnlyTheLatestKeepsItsConfiguration(t *testing.T) {
	b := newBench(t)
	for range historyLimit + 5 {
		update := b.stack().Announce("update", false, apitype.UpdateProgramRequest{Config: map[string]apitype.ConfigValue{"a:b": {String: "c"}}})
		started, err := b.stack().Start(update, apitype.StartUpdateRequest{JournalVersion: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.stack().Complete(update, started.Token, apitype.UpdateStatusSucceeded); err != nil {
			t.Fatal(err)
		}
	}
	history := b.stack().History()
	if len(history) != historyLimit || history[0].Version != historyLimit+5 || history[0].Config == nil || history[1].Config != nil {
		t.Fatalf("%d updates, first %+v, second %+v", len(history), history[0], history[1])
	}
}
