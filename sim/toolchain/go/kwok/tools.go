//go:build tools

// Package tools pins what the toolchain builds; it is never compiled itself.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
	_ "sigs.k8s.io/kwok/cmd/kwokctl"
)
