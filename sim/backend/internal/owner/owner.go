// Package owner finds the process at the other end of a local connection, so that an engine that was killed is known
// to be gone at once and not when its lease runs out.
package owner

// Process names one process of this machine, also after its number has been used again.
type Process struct {
	PID int `json:"pid"`
	// Began tells apart processes with the same number; its form is the platform's.
	Began string `json:"began"`
}
