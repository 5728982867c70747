package store

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/backend"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack/snapshot"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// replay applies a journal to the deployment on which its update began. The rules are the engine's own; what was
// begun and not finished becomes a pending operation.
func replay(base *apitype.DeploymentV3, entries []apitype.JournalEntry) (result apitype.TypedDeployment, err error) {
	// The replayer trusts the order of its input and panics on an index that does not exist.
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the journal does not fit its checkpoint: %v", cause)
		}
	}()
	if base == nil {
		base = &apitype.DeploymentV3{}
	}
	replayer := backend.NewJournalReplayer(base)
	for _, entry := range inSequence(entries) {
		if err := replayer.Add(entry); err != nil {
			return result, fmt.Errorf("replaying journal entry %d: %w", entry.SequenceID, err)
		}
	}
	result, err = replayer.GenerateDeployment()
	if err != nil {
		return result, fmt.Errorf("replaying the journal: %w", err)
	}
	slices.SortStableFunc(result.Deployment.PendingOperations, func(a, b apitype.OperationV2) int {
		return cmp.Compare(a.Resource.URN, b.Resource.URN)
	})
	noteIntegrity(result)
	return result, nil
}

// inSequence sorts by the engine's own numbers and drops what a retried request delivered twice.
func inSequence(entries []apitype.JournalEntry) []apitype.JournalEntry {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b apitype.JournalEntry) int { return cmp.Compare(a.SequenceID, b.SequenceID) })
	return slices.CompactFunc(sorted, func(a, b apitype.JournalEntry) bool { return a.SequenceID == b.SequenceID })
}

// noteIntegrity does what the engine does when it writes a state itself: a state that contradicts itself is stored
// with the reason, and the engine refuses it with that reason at the next run.
func noteIntegrity(result apitype.TypedDeployment) {
	result.Deployment.Metadata.IntegrityErrorMetadata = nil
	if err := snapshot.VerifyIntegrity(result.Deployment); err != nil {
		result.Deployment.Metadata.IntegrityErrorMetadata = &apitype.SnapshotIntegrityErrorMetadataV1{
			Version: strconv.Itoa(result.Version),
			Command: strings.Join(os.Args, " "),
			Error:   err.Error(),
		}
	}
}
