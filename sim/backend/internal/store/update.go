package store

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"inference-stack/sim/backend/internal/owner"
)

// forgetAfter is when an update that never began, or a preview that never ended, is forgotten.
const forgetAfter = 24 * time.Hour

// Announce registers an update before it begins. A dry run never holds the stack.
func (s *Stack) Announce(kind string, dryRun bool, request apitype.UpdateProgramRequest) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.options.Now()
	for id, update := range s.created {
		if now.Sub(update.at) > forgetAfter {
			delete(s.created, id)
		}
	}
	id := uuid.NewString()
	s.created[id] = announced{kind: kind, dryRun: dryRun, at: now, program: program{
		Message: request.Metadata.Message, Environment: request.Metadata.Environment, Config: request.Config,
	}}
	return id
}

// Started is what an engine gets to know when its update begins.
type Started struct {
	Version    int
	Token      string
	Journaling bool
	Expires    time.Time
}

// Start begins an update. A ConflictError says who holds the stack. By the time it returns, the state holds every step
// of an update that was interrupted.
func (s *Stack) Start(id string, request apitype.StartUpdateRequest, engine *owner.Process) (Started, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	update, ok := s.created[id]
	if !ok {
		return Started{}, fmt.Errorf("update %s of stack %s %w", id, s.id, ErrNotFound)
	}
	token, err := newToken()
	if err != nil {
		return Started{}, err
	}
	now := s.options.Now()
	if update.dryRun {
		return Started{Version: s.record.Version, Token: token, Expires: now.Add(s.options.Lease)}, nil
	}
	if err := s.free(); err != nil {
		return Started{}, err
	}
	next := &running{
		ID: id, Token: token, Kind: update.kind, Program: update.program, Started: now, Duration: s.options.Lease,
		Owner: engine, Journaling: request.JournalVersion >= 1, seen: now,
	}
	if next.Journaling {
		if err := s.beginJournal(id); err != nil {
			return Started{}, err
		}
	}
	err = s.changeRecord(func(r *record) {
		r.Running = next
		if request.Tags != nil {
			r.Tags = tags(request.Tags)
		}
	})
	if err != nil {
		return Started{}, err
	}
	delete(s.created, id)
	return Started{
		Version: s.record.Version + 1, Token: token, Journaling: next.Journaling, Expires: next.expires(),
	}, nil
}

// Renew prolongs the lease by the service's own duration and tells when it then ends.
func (s *Stack) Renew(id, token string) (time.Time, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, ok := s.created[id]; ok {
		return s.options.Now().Add(s.options.Lease), nil
	}
	update, err := s.held(id, token)
	if err != nil {
		return time.Time{}, err
	}
	return update.expires(), nil
}

// Append adds a batch to the journal: the JSON of apitype.JournalEntries and the number of entries in it. It is on
// disk when Append returns.
func (s *Stack) Append(id, token string, batch []byte, entries int) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	update, err := s.held(id, token)
	if err != nil {
		return err
	}
	if !update.Journaling {
		return fmt.Errorf("%w: update %s began without journaling", ErrInvalid, id)
	}
	if s.journal == nil {
		if err := s.beginJournal(id); err != nil {
			return err
		}
	}
	return s.journal.append(batch, entries)
}

// SaveCheckpoint takes a whole state from an engine that does not journal.
func (s *Stack) SaveCheckpoint(id, token string, deployment apitype.UntypedDeployment) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	update, err := s.held(id, token)
	if err != nil {
		return err
	}
	if update.Journaling {
		return fmt.Errorf("%w: update %s began with journaling", ErrInvalid, id)
	}
	if err := checkDeployment(deployment); err != nil {
		return err
	}
	return s.writeCheckpoint(deployment)
}

// Touch takes any other message of the engine as a sign of life.
func (s *Stack) Touch(id, token string) error {
	_, err := s.Renew(id, token)
	return err
}

// Complete ends an update and brings its journal into the checkpoint.
func (s *Stack) Complete(id, token string, status apitype.UpdateStatus) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, ok := s.created[id]; ok {
		delete(s.created, id)
		return nil
	}
	// The engine repeats the request when it did not get the answer to the first.
	if id == s.completed {
		return nil
	}
	if _, err := s.held(id, token); err != nil {
		return err
	}
	result := apitype.FailedResult
	if status == apitype.UpdateStatusSucceeded {
		result = apitype.SucceededResult
	}
	if err := s.end(result); err != nil {
		return err
	}
	s.completed = id
	return nil
}

// Cancel ends an update from outside: its engine is refused from then on, its steps so far are kept.
func (s *Stack) Cancel(id string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, ok := s.created[id]; ok {
		delete(s.created, id)
		return nil
	}
	if s.record.Running == nil || s.record.Running.ID != id {
		return fmt.Errorf("a running update %s of stack %s was %w", id, s.id, ErrNotFound)
	}
	return s.end(apitype.FailedResult)
}

// held gives the running update to the engine that has its lease, and counts as a sign of life.
func (s *Stack) held(id, token string) (*running, error) {
	update := s.record.Running
	if update == nil || update.ID != id || subtle.ConstantTimeCompare([]byte(update.Token), []byte(token)) != 1 {
		return nil, fmt.Errorf("update %s of stack %s: %w", id, s.id, ErrLeaseLost)
	}
	update.seen = s.options.Now()
	return update, nil
}

// free makes sure that no update holds the stack, releasing one whose engine is gone.
func (s *Stack) free() error {
	if s.removed {
		return fmt.Errorf("stack %s %w", s.id, ErrNotFound)
	}
	if err := s.releaseDead(); err != nil {
		return err
	}
	if update := s.record.Running; update != nil {
		conflict := &ConflictError{Stack: s.id, Kind: update.Kind, Started: update.Started, Expires: update.expires()}
		if update.Owner != nil {
			conflict.Process = update.Owner.PID
		}
		return conflict
	}
	return s.settle()
}

func (s *Stack) releaseDead() error {
	if s.record.Running == nil || !s.record.Running.dead(s.options.Now()) {
		return nil
	}
	return s.end(apitype.FailedResult)
}

// end closes the running update. Should it fail half-way, it can be repeated.
func (s *Stack) end(result apitype.UpdateResult) error {
	update := s.record.Running
	if err := s.settle(); err != nil {
		return err
	}
	return s.changeRecord(func(r *record) {
		r.Running = nil
		r.remember(apitype.UpdateInfo{
			Kind: apitype.UpdateKind(update.Kind), StartTime: update.Started.Unix(), EndTime: s.options.Now().Unix(),
			Message: update.Program.Message, Environment: update.Program.Environment, Config: update.Program.Config,
			Result: result, Version: r.Version + 1, ResourceCount: r.ResourceCount,
		})
	})
}

func newToken() (string, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	return hex.EncodeToString(random), nil
}
