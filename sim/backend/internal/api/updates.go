package api

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"inference-stack/sim/backend/internal/owner"
	"inference-stack/sim/backend/internal/store"
)

// journalVersion is the only form of journal entries there is so far.
const journalVersion = 1

func (s *Server) createUpdate(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	kind := r.PathValue("kind")
	switch apitype.UpdateKind(kind) {
	case apitype.UpdateUpdate, apitype.PreviewUpdate, apitype.RefreshUpdate, apitype.DestroyUpdate:
	default:
		return s.unknown(w, r)
	}
	var request apitype.UpdateProgramRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	dryRun := request.Options.DryRun || kind == string(apitype.PreviewUpdate)
	return reply(w, apitype.UpdateProgramResponse{UpdateID: stack.Announce(kind, dryRun, request)})
}

func startUpdate(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	var request apitype.StartUpdateRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	started, err := stack.Start(r.PathValue("update"), request, engineOf(r))
	if err != nil {
		return err
	}
	answer := apitype.StartUpdateResponse{
		Version: started.Version, Token: started.Token, TokenExpiration: started.Expires.Unix(),
	}
	if started.Journaling {
		answer.JournalVersion = journalVersion
	}
	return reply(w, answer)
}

// engineOf finds the process that sent the request; nil where it cannot be seen.
func engineOf(r *http.Request) *owner.Process {
	connection, ok := r.Context().Value(contextKey{}).(net.Conn)
	if !ok {
		return nil
	}
	client, clientErr := netip.ParseAddrPort(connection.RemoteAddr().String())
	server, serverErr := netip.ParseAddrPort(connection.LocalAddr().String())
	if clientErr != nil || serverErr != nil {
		return nil
	}
	process, ok := owner.Of(client, server)
	if !ok {
		return nil
	}
	return &process
}

// updateStatus is asked after an import, which is done by the time it is answered.
func updateStatus(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	description, err := stack.Describe()
	if err != nil {
		return err
	}
	answer := apitype.UpdateResults{Status: apitype.StatusSucceeded, Events: []apitype.UpdateEvent{}}
	if description.ActiveUpdate == r.PathValue("update") {
		again := "running"
		answer.Status, answer.ContinuationToken = apitype.StatusRunning, &again
	}
	return reply(w, answer)
}

func renewLease(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	expires, err := stack.Renew(r.PathValue("update"), leaseToken(r))
	if err != nil {
		return err
	}
	return reply(w, apitype.RenewUpdateLeaseResponse{Token: leaseToken(r), TokenExpiration: expires.Unix()})
}

func appendJournal(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	batch, err := readBody(w, r)
	if err != nil {
		return err
	}
	// An entry that could not be read back must be refused now, while its engine can still say so.
	var decoded apitype.JournalEntries
	if err := json.Unmarshal(batch, &decoded); err != nil {
		return badRequest("the body is not a batch of journal entries: %v", err)
	}
	for _, entry := range decoded.Entries {
		if entry.Version != journalVersion {
			return badRequest("journal entry %d has version %d; this state service knows version %d",
				entry.SequenceID, entry.Version, journalVersion)
		}
	}
	return done(w, stack.Append(r.PathValue("update"), leaseToken(r), batch, len(decoded.Entries)))
}

func saveCheckpoint(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	var request apitype.PatchUpdateCheckpointRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	return done(w, stack.SaveCheckpoint(r.PathValue("update"), leaseToken(r), apitype.UntypedDeployment{
		Version: request.Version, Features: request.Features, Deployment: request.Deployment,
	}))
}

func saveVerbatimCheckpoint(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	var request apitype.PatchUpdateVerbatimCheckpointRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	var deployment apitype.UntypedDeployment
	if err := json.Unmarshal(request.UntypedDeployment, &deployment); err != nil {
		return badRequest("untypedDeployment is not a deployment: %v", err)
	}
	return done(w, stack.SaveCheckpoint(r.PathValue("update"), leaseToken(r), deployment))
}

// dropEvents keeps nothing: whoever runs the engine sees its output. The message still shows that the engine lives.
func dropEvents(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	return done(w, stack.Touch(r.PathValue("update"), leaseToken(r)))
}

func completeUpdate(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	var request apitype.CompleteUpdateRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	return done(w, stack.Complete(r.PathValue("update"), leaseToken(r), request.Status))
}

func cancelUpdate(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	return done(w, stack.Cancel(r.PathValue("update")))
}
