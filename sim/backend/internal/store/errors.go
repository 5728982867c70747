package store

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotFound is returned for a stack or an update that this service does not hold.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned when a stack of that name is already there.
	ErrExists = errors.New("already exists")
	// ErrHasResources is returned when a stack that still has resources is deleted without force.
	ErrHasResources = errors.New("stack still contains resources")
	// ErrLeaseLost is returned to the engine of an update that was cancelled, completed or released.
	ErrLeaseLost = errors.New("the update no longer holds the stack: it was cancelled, completed, or its lease ran out")
	// ErrInvalid is wrapped by every refusal of what the caller sent.
	ErrInvalid = errors.New("invalid request")
)

// ConflictError says which update holds the stack.
type ConflictError struct {
	Stack   ID
	Kind    string
	Started time.Time
	// Process is 0 where the engine's process could not be found out.
	Process int
	// Expires is when the lease ends, unless the engine renews it.
	Expires time.Time
}

func (e *ConflictError) Error() string {
	who := "an engine"
	if e.Process != 0 {
		who = fmt.Sprintf("process %d", e.Process)
	}
	return fmt.Sprintf("another update is currently in progress: %s of %s, begun at %s by %s; "+
		"wait for it, or end it with `pulumi cancel` (without renewal its lease ends at %s)",
		e.Kind, e.Stack, e.Started.Format(time.RFC3339), who, e.Expires.Format(time.RFC3339))
}
