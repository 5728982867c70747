//go:build tools

// Package tools pins MetalLB, which compiles with an older client-go than the rest of the lab; it is never compiled
// itself.
package tools

import (
	_ "go.universe.tf/metallb/controller"
	_ "go.universe.tf/metallb/speaker"
)
