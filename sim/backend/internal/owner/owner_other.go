//go:build !linux

package owner

import "net/netip"

// Of never knows the process here: the lease alone decides.
func Of(_, _ netip.AddrPort) (Process, bool) {
	return Process{}, false
}

// Alive is never asked where Of names no process.
func (p Process) Alive() bool {
	return true
}
