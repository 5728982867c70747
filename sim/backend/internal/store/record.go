package store

import (
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"inference-stack/sim/backend/internal/owner"
)

// historyLimit bounds what is kept of past updates.
const historyLimit = 20

// record is what a stack has beside its state; it is small and written as a whole.
type record struct {
	Tags    map[string]string    `json:"tags,omitempty"`
	Config  *apitype.StackConfig `json:"config,omitempty"`
	Version int                  `json:"version"`
	// ResourceCount is that of the last written checkpoint.
	ResourceCount int                  `json:"resourceCount"`
	Running       *running             `json:"running,omitempty"`
	History       []apitype.UpdateInfo `json:"history,omitempty"`
}

// running is the update that holds the stack. It is on disk, so that a restarted service goes on with it.
type running struct {
	ID       string         `json:"id"`
	Token    string         `json:"token"`
	Kind     string         `json:"kind"`
	Program  program        `json:"program"`
	Started  time.Time      `json:"started"`
	Duration time.Duration  `json:"duration"`
	Owner    *owner.Process `json:"owner,omitempty"`
	// Journaling is false for an engine that sends whole states.
	Journaling bool `json:"journaling"`

	// seen is the last sign of life. It is not on disk: after a restart the engine gets the whole lease again.
	seen time.Time
}

// program is what the engine told about an update before it began.
type program struct {
	Message     string                         `json:"message,omitempty"`
	Environment map[string]string              `json:"environment,omitempty"`
	Config      map[string]apitype.ConfigValue `json:"config,omitempty"`
}

func (r *running) expires() time.Time {
	return r.seen.Add(r.Duration)
}

// dead tells whether the engine is known to be gone or has been silent for longer than its lease.
func (r *running) dead(now time.Time) bool {
	return now.After(r.expires()) || (r.Owner != nil && !r.Owner.Alive())
}

// remember closes the books on an update. Only the latest one keeps its configuration, which `pulumi config refresh`
// asks for.
func (r *record) remember(info apitype.UpdateInfo) {
	for i := range r.History {
		r.History[i].Config = nil
	}
	r.History = append([]apitype.UpdateInfo{info}, r.History...)
	if len(r.History) > historyLimit {
		r.History = r.History[:historyLimit]
	}
	r.Version = info.Version
}
