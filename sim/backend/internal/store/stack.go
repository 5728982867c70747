package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

const (
	recordFile     = "stack.json"
	checkpointFile = "checkpoint.json"
	journalFile    = "journal.jsonl"
)

// Stack is one stack's state and its running update.
type Stack struct {
	id        ID
	directory string
	options   Options

	mutex  sync.Mutex
	record record
	// journal is open while an update with journaling runs.
	journal *journal
	// created are the updates that were announced and have not begun, and running previews.
	created map[string]announced
	// completed is the update that its engine ended last.
	completed string
	removed   bool
}

// announced is an update that holds nothing yet.
type announced struct {
	kind    string
	dryRun  bool
	program program
	at      time.Time
}

func createStack(id ID, directory string, options Options, request apitype.CreateStackRequest) (*Stack, error) {
	// What a removal that was cut short left behind belongs to no stack.
	if err := os.RemoveAll(directory); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	stack := &Stack{id: id, directory: directory, options: options, created: map[string]announced{}}
	stack.record.Tags, stack.record.Config = tags(request.Tags), request.Config
	if request.State != nil {
		if err := stack.writeCheckpoint(*request.State); err != nil {
			return nil, err
		}
	}
	return stack, stack.writeRecord()
}

// openStack loads a stack. Where an update was under way when the service ended, it stays under way: its engine may
// still live. An interrupted one is brought into the checkpoint when the next one begins, so that a full disk now does
// not keep the service from showing the state.
func openStack(id ID, directory string, options Options) (*Stack, error) {
	if err := removeTemporaryFiles(directory); err != nil {
		return nil, err
	}
	stack := &Stack{id: id, directory: directory, options: options, created: map[string]announced{}}
	if err := readJSON(stack.path(recordFile), &stack.record); err != nil {
		return nil, err
	}
	if err := stack.reopenJournal(); err != nil {
		return nil, err
	}
	if stack.record.Running != nil {
		stack.record.Running.seen = options.Now()
	}
	return stack, nil
}

// reopenJournal opens a left-over journal, if there is one that belongs to the checkpoint.
func (s *Stack) reopenJournal() error {
	left, header, err := openJournal(s.path(journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	base, err := readCheckpoint(s.path(checkpointFile))
	if err != nil {
		return errors.Join(err, left.close())
	}
	// A journal without a whole header holds no entry; one of another generation is already in the checkpoint.
	if header.Update == "" || header.Base != base.Generation {
		return errors.Join(left.close(), os.Remove(s.path(journalFile)))
	}
	s.journal = left
	return nil
}

// Describe is the stack as the CLI sees it.
func (s *Stack) Describe() (apitype.Stack, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.releaseDead(); err != nil {
		return apitype.Stack{}, err
	}
	result := apitype.Stack{
		ID: s.id.String(), ProjectName: s.id.Project, StackName: qualifiedName(s.id.Name),
		Tags: stackTags(s.record.Tags), Config: s.record.Config, Version: s.record.Version,
	}
	if update := s.record.Running; update != nil {
		result.ActiveUpdate = update.ID
		result.CurrentOperation = &apitype.OperationStatus{
			Kind: apitype.UpdateKind(update.Kind), Started: update.Started.Unix(),
		}
	}
	return result, nil
}

// Summary is the stack's line in `pulumi stack ls`.
func (s *Stack) Summary() apitype.StackSummary {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	count := s.record.ResourceCount
	result := apitype.StackSummary{
		ID: s.id.String(), ProjectName: s.id.Project, StackName: s.id.Name, ResourceCount: &count,
	}
	if len(s.record.History) > 0 {
		last := s.record.History[0].StartTime
		result.LastUpdate = &last
	}
	return result
}

// Tag gives one of the stack's tags.
func (s *Stack) Tag(name string) (string, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	value, ok := s.record.Tags[name]
	return value, ok
}

// SetTags replaces all tags.
func (s *Stack) SetTags(replacement map[string]string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.changeRecord(func(r *record) { r.Tags = maps.Clone(replacement) })
}

// History gives the past updates, the latest first.
func (s *Stack) History() []apitype.UpdateInfo {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]apitype.UpdateInfo(nil), s.record.History...)
}

// Export gives the state with every acknowledged step of a running or interrupted update in it.
func (s *Stack) Export() (apitype.UntypedDeployment, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	base, err := readCheckpoint(s.path(checkpointFile))
	if err != nil || s.journal == nil || s.journal.count == 0 {
		return base.UntypedDeployment, err
	}
	return s.replayed(base)
}

// Import replaces the state. It answers with an update id, under which the CLI asks whether the import is done.
func (s *Stack) Import(deployment apitype.UntypedDeployment) (string, error) {
	if err := checkDeployment(deployment); err != nil {
		return "", err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.free(); err != nil {
		return "", err
	}
	if err := s.writeCheckpoint(deployment); err != nil {
		return "", err
	}
	now := s.options.Now().Unix()
	return uuid.NewString(), s.changeRecord(func(r *record) {
		r.remember(apitype.UpdateInfo{
			Kind: apitype.StackImportUpdate, StartTime: now, EndTime: now, Result: apitype.SucceededResult,
			Version: r.Version + 1, ResourceCount: r.ResourceCount,
		})
	})
}

func (s *Stack) remove(force bool) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.free(); err != nil {
		return err
	}
	if s.record.ResourceCount > 0 && !force {
		return fmt.Errorf("stack %s: %w", s.id, ErrHasResources)
	}
	s.removed = true
	return os.RemoveAll(s.directory)
}

func (s *Stack) close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.removed = true
	if s.journal == nil {
		return nil
	}
	return s.journal.close()
}

func (s *Stack) path(file string) string { return filepath.Join(s.directory, file) }
