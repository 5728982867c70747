// Package store keeps Pulumi stacks in a directory: for each the last whole state, and a journal of what the running
// update has done since.
//
//	<data>/lock
//	<data>/stacks/<project>/<stack>/stack.json       tags, history, the running update and its lease
//	<data>/stacks/<project>/<stack>/checkpoint.json  the state when no update runs
//	<data>/stacks/<project>/<stack>/journal.jsonl    the running update's steps, one accepted batch a line
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// DefaultLease is how long an update holds its stack without a sign of life. The engine renews after half of the
// 5 minutes that it asks for, and does not tell sooner that it lives while it waits for a slow resource.
const DefaultLease = 5 * time.Minute

// ID names a stack. There is one organization only.
type ID struct{ Project, Name string }

func (id ID) String() string { return id.Project + "/" + id.Name }

// namePattern is what Pulumi allows in project and stack names; it also keeps them inside the data directory.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$`)

// Options have usable zero values.
type Options struct {
	// Lease defaults to DefaultLease.
	Lease time.Duration
	// Now defaults to time.Now.
	Now func() time.Time
}

// Store is all stacks of one data directory. Its methods may be called concurrently.
type Store struct {
	directory string
	options   Options
	lock      *os.File

	mutex  sync.Mutex
	stacks map[ID]*Stack
}

// Open takes the data directory, making it when needed, and finishes what a crash interrupted. It fails when another
// service has it.
func Open(directory string, options Options) (*Store, error) {
	if options.Lease == 0 {
		options.Lease = DefaultLease
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if err := os.MkdirAll(filepath.Join(directory, "stacks"), 0o700); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(directory)
	if err != nil {
		return nil, err
	}
	store := &Store{directory: directory, options: options, lock: lock, stacks: map[ID]*Stack{}}
	if err := store.load(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// lockDirectory holds a lock that the kernel drops when the process ends, however it ends.
func lockDirectory(directory string) (*os.File, error) {
	path := filepath.Join(directory, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, readErr := os.ReadFile(path)
		if readErr != nil {
			holder = []byte("unknown")
		}
		return nil, errors.Join(fmt.Errorf("the data directory %s is in use by the service with process id %s; "+
			"stop that one, or give another --data", directory, strings.TrimSpace(string(holder))), file.Close())
	}
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err := fmt.Fprintf(file, "%d\n", os.Getpid()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (s *Store) load() error {
	records, err := filepath.Glob(filepath.Join(s.directory, "stacks", "*", "*", "stack.json"))
	if err != nil {
		return err
	}
	for _, path := range records {
		directory := filepath.Dir(path)
		id := ID{Project: filepath.Base(filepath.Dir(directory)), Name: filepath.Base(directory)}
		stack, err := openStack(id, directory, s.options)
		if err != nil {
			return fmt.Errorf("opening stack %s: %w", id, err)
		}
		s.stacks[id] = stack
	}
	return nil
}

// Close waits for writes under way and gives the directory back. Running updates stay as they are on disk.
func (s *Store) Close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var failures []error
	for _, stack := range s.stacks {
		failures = append(failures, stack.close())
	}
	s.stacks = nil
	return errors.Join(append(failures, s.lock.Close())...)
}

// Stack gives ErrNotFound for one that does not exist.
func (s *Store) Stack(id ID) (*Stack, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	stack, ok := s.stacks[id]
	if !ok {
		return nil, fmt.Errorf("stack %s %w", id, ErrNotFound)
	}
	return stack, nil
}

// Create makes an empty stack, or one with the given state.
func (s *Store) Create(id ID, request apitype.CreateStackRequest) (*Stack, error) {
	if !namePattern.MatchString(id.Project) || !namePattern.MatchString(id.Name) {
		return nil, fmt.Errorf("%w: the project and the stack name of %s may hold up to 100 letters, digits, "+
			"hyphens, underscores and (not first) dots", ErrInvalid, id)
	}
	if request.State != nil {
		if err := checkDeployment(*request.State); err != nil {
			return nil, err
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, ok := s.stacks[id]; ok {
		return nil, fmt.Errorf("stack %s %w", id, ErrExists)
	}
	stack, err := createStack(id, filepath.Join(s.directory, "stacks", id.Project, id.Name), s.options, request)
	if err != nil {
		return nil, err
	}
	s.stacks[id] = stack
	return stack, nil
}

// Delete removes a stack and its state; one with resources only by force, one that is being updated never.
func (s *Store) Delete(id ID, force bool) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	stack, ok := s.stacks[id]
	if !ok {
		return fmt.Errorf("stack %s %w", id, ErrNotFound)
	}
	if err := stack.remove(force); err != nil {
		return err
	}
	delete(s.stacks, id)
	return nil
}

// List gives all stacks, sorted by name.
func (s *Store) List() []*Stack {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := make([]*Stack, 0, len(s.stacks))
	for _, stack := range s.stacks {
		all = append(all, stack)
	}
	slices.SortFunc(all, func(a, b *Stack) int { return strings.Compare(a.id.String(), b.id.String()) })
	return all
}
