//go:build tools

// Package tools pins what the toolchain and the hosts lab build; it is never compiled itself.
package tools

import (
	_ "go.etcd.io/etcd/etcdctl/v3"
	_ "go.etcd.io/etcd/etcdutl/v3"
	_ "go.etcd.io/etcd/server/v3"
)
