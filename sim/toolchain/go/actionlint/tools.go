//go:build tools

// Package tools pins what the toolchain builds; it is never compiled itself.
package tools

import (
	_ "github.com/rhysd/actionlint/cmd/actionlint"
)
