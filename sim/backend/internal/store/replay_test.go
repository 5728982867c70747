package store

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func names(deployment *apitype.DeploymentV3) (resources, pending string) {
	var done, begun []string
	for _, r := range deployment.Resources {
		done = append(done, strings.TrimPrefix(string(r.URN), urnPrefix))
	}
	for _, o := range deployment.PendingOperations {
		begun = append(begun, string(o.Type)+" "+strings.TrimPrefix(string(o.Resource.URN), urnPrefix))
	}
	return strings.Join(done, ","), strings.Join(begun, ",")
}

func index(i int64) *int64 { return &i }

func TestReplay(t *testing.T) {
	base := func() *apitype.DeploymentV3 {
		return &apitype.DeploymentV3{Resources: []apitype.ResourceV3{thing("x"), thing("y")}}
	}
	deleted := apitype.JournalEntry{Version: 1, Kind: apitype.JournalEntryKindSuccess, SequenceID: 2, OperationID: 1, RemoveOld: index(0)}
	failed := apitype.JournalEntry{Version: 1, Kind: apitype.JournalEntryKindFailure, SequenceID: 2, OperationID: 1}
	for name, test := range map[string]struct {
		base               *apitype.DeploymentV3
		entries            []apitype.JournalEntry
		resources, pending string
	}{
		"nothing":                 {base(), nil, "x,y", ""},
		"no base":                 {nil, []apitype.JournalEntry{begun(1, 1, "a"), done(2, 1, "a")}, "a", ""},
		"finished":                {base(), []apitype.JournalEntry{begun(1, 1, "a"), done(2, 1, "a")}, "a,x,y", ""},
		"begun only":              {base(), []apitype.JournalEntry{begun(1, 1, "a")}, "x,y", "creating a"},
		"two begun, sorted":       {base(), []apitype.JournalEntry{begun(1, 1, "b"), begun(2, 2, "a")}, "x,y", "creating a,creating b"},
		"failed":                  {base(), []apitype.JournalEntry{begun(1, 1, "a"), failed}, "x,y", ""},
		"deleted":                 {base(), []apitype.JournalEntry{begun(1, 1, "x"), deleted}, "y", ""},
		"delivered twice":         {base(), []apitype.JournalEntry{begun(1, 1, "a"), done(2, 1, "a"), begun(1, 1, "a"), done(2, 1, "a")}, "a,x,y", ""},
		"delivered out of order":  {base(), []apitype.JournalEntry{done(2, 1, "a"), begun(1, 1, "a")}, "a,x,y", ""},
		"refresh of what is gone": {base(), []apitype.JournalEntry{{Version: 1, Kind: apitype.JournalEntryKindRefreshSuccess, SequenceID: 1, OperationID: 1, RemoveOld: index(1)}}, "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := replay(test.base, test.entries)
			if err != nil {
				t.Fatal(err)
			}
			resources, pending := names(result.Deployment)
			if resources != test.resources || pending != test.pending {
				t.Fatalf("resources %q, pending %q; want %q, %q", resources, pending, test.resources, test.pending)
			}
		})
	}
}

func TestReplayRefusesWhatDoesNotFit(t *testing.T) {
	broken := apitype.JournalEntry{Version: 1, Kind: apitype.JournalEntryKindSuccess, SequenceID: 1, OperationID: 1, DeleteNew: index(7)}
	if _, err := replay(nil, []apitype.JournalEntry{broken}); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Fatalf("got %v", err)
	}
}

func TestReplayNotesAStateThatContradictsItself(t *testing.T) {
	orphan := done(2, 1, "a")
	orphan.State.Parent = urnPrefix + "nobody"
	result, err := replay(nil, []apitype.JournalEntry{begun(1, 1, "a"), orphan})
	if err != nil {
		t.Fatal(err)
	}
	if note := result.Deployment.Metadata.IntegrityErrorMetadata; note == nil || !strings.Contains(note.Error, "nobody") {
		t.Fatalf("got %+v", note)
	}
}
