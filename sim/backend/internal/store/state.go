package store

import (
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// This file holds what writes a stack's files. The caller holds the stack's mutex.

// changeRecord changes the record on disk first, so that memory never promises what a restart would forget.
func (s *Stack) changeRecord(change func(*record)) error {
	if s.removed {
		return fmt.Errorf("stack %s %w", s.id, ErrNotFound)
	}
	before := s.record
	before.History = append([]apitype.UpdateInfo(nil), s.record.History...)
	change(&s.record)
	if err := s.writeRecord(); err != nil {
		s.record = before
		return err
	}
	return nil
}

func (s *Stack) writeRecord() error {
	return writeJSON(s.path(recordFile), s.record)
}

// settle brings an interrupted update's journal into the checkpoint.
func (s *Stack) settle() error {
	if s.journal == nil {
		return nil
	}
	if s.journal.count > 0 {
		base, err := readCheckpoint(s.path(checkpointFile))
		if err != nil {
			return err
		}
		deployment, err := s.replayed(base)
		if err != nil {
			return err
		}
		if err := s.writeCheckpoint(deployment); err != nil {
			return err
		}
	}
	return s.dropJournal()
}

func (s *Stack) replayed(base checkpoint) (apitype.UntypedDeployment, error) {
	deployment, err := base.deployment()
	if err != nil {
		return apitype.UntypedDeployment{}, err
	}
	entries, err := s.journal.entries()
	if err != nil {
		return apitype.UntypedDeployment{}, err
	}
	result, err := replay(deployment, entries)
	if err != nil {
		return apitype.UntypedDeployment{}, err
	}
	return untyped(result)
}

// dropJournal comes after the checkpoint is on disk. Should the file survive, its header names an older generation.
func (s *Stack) dropJournal() error {
	if s.journal == nil {
		return nil
	}
	if err := os.Remove(s.path(journalFile)); err != nil {
		return err
	}
	err := s.journal.close()
	s.journal = nil
	return err
}

// writeCheckpoint replaces the whole state.
func (s *Stack) writeCheckpoint(deployment apitype.UntypedDeployment) error {
	if s.removed {
		return fmt.Errorf("stack %s %w", s.id, ErrNotFound)
	}
	before, err := readCheckpoint(s.path(checkpointFile))
	if err != nil {
		return err
	}
	next := checkpoint{Generation: before.Generation + 1, UntypedDeployment: deployment}
	decoded, err := next.deployment()
	if err != nil {
		return err
	}
	if err := writeJSON(s.path(checkpointFile), next); err != nil {
		return err
	}
	s.record.ResourceCount = len(decoded.Resources)
	return nil
}

// beginJournal starts the journal of an update on the present checkpoint.
func (s *Stack) beginJournal(update string) error {
	base, err := readCheckpoint(s.path(checkpointFile))
	if err != nil {
		return err
	}
	started, err := createJournal(s.path(journalFile), journalHeader{Base: base.Generation, Update: update})
	if err != nil {
		return errors.Join(err, removeIfThere(s.path(journalFile)))
	}
	s.journal = started
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func tags(in map[apitype.StackTagName]string) map[string]string {
	out := make(map[string]string, len(in))
	for name, value := range in {
		out[string(name)] = value
	}
	return out
}

func stackTags(in map[string]string) map[apitype.StackTagName]string {
	out := make(map[apitype.StackTagName]string, len(in))
	for name, value := range in {
		out[name] = value
	}
	return out
}

func qualifiedName(name string) tokens.QName { return tokens.QName(name) }
