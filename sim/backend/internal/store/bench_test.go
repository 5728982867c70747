package store

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"inference-stack/sim/backend/internal/owner"
)

var id = ID{Project: "project", Name: "dev"}

// bench is a store with a clock that only the test moves.
type bench struct {
	*testing.T
	directory string
	now       time.Time
	store     *Store
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, directory: t.TempDir(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b.open()
	if _, err := b.store.Create(id, apitype.CreateStackRequest{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.store.Close() })
	return b
}

func (b *bench) open() {
	b.Helper()
	store, err := Open(b.directory, Options{Now: func() time.Time { return b.now }})
	if err != nil {
		b.Fatal(err)
	}
	b.store = store
}

// restart is a service that ended and began again. What a kill leaves on disk is the same: every write is made
// before it is acknowledged, and closing writes nothing.
func (b *bench) restart() {
	b.Helper()
	if err := b.store.Close(); err != nil {
		b.Fatal(err)
	}
	b.open()
}

func (b *bench) stack() *Stack {
	b.Helper()
	stack, err := b.store.Stack(id)
	if err != nil {
		b.Fatal(err)
	}
	return stack
}

func (b *bench) begin(engine *owner.Process) (update, token string) {
	b.Helper()
	update = b.stack().Announce("update", false, apitype.UpdateProgramRequest{})
	started, err := b.stack().Start(update, apitype.StartUpdateRequest{JournalVersion: 1}, engine)
	if err != nil {
		b.Fatal(err)
	}
	return update, started.Token
}

func (b *bench) append(update, token string, entries ...apitype.JournalEntry) {
	b.Helper()
	if err := b.stack().Append(update, token, encode(b.T, entries...), len(entries)); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) wantState(resources, pending string) {
	b.Helper()
	exported, err := b.stack().Export()
	if err != nil {
		b.Fatal(err)
	}
	deployment, err := checkpoint{UntypedDeployment: exported}.deployment()
	if err != nil {
		b.Fatal(err)
	}
	gotResources, gotPending := names(deployment)
	if gotResources != resources || gotPending != pending {
		b.Fatalf("state has %q, pending %q; want %q, %q", gotResources, gotPending, resources, pending)
	}
}

func (b *bench) wantFile(name string, there bool) {
	b.Helper()
	_, err := os.Stat(filepath.Join(b.stack().directory, name))
	if there != (err == nil) {
		b.Fatalf("%s there: %v (%v), want %v", name, err == nil, err, there)
	}
}

// ownProcess gives this process and one that has ended, whose number this one now has; nil where the platform does not
// tell.
func ownProcess(t *testing.T) (alive, dead *owner.Process) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	connection, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	here, ok := owner.Of(
		netip.MustParseAddrPort(connection.LocalAddr().String()), netip.MustParseAddrPort(listener.Addr().String()))
	if !ok {
		return nil, nil
	}
	return &here, &owner.Process{PID: here.PID, Began: "before " + here.Began}
}

func (b *bench) read(file string) []byte {
	b.Helper()
	content, err := os.ReadFile(filepath.Join(b.stack().directory, file))
	if err != nil {
		b.Fatal(err)
	}
	return content
}

func (b *bench) write(file string, content []byte) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.stack().directory, file), content, 0o600); err != nil {
		b.Fatal(err)
	}
}
