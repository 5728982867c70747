package command

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"inference-stack/sim/plugins/internal/host"
)

// engineLog is an engine that keeps the messages which it is to show.
type engineLog struct {
	pulumirpc.UnimplementedEngineServer
	mutex    sync.Mutex
	messages []string
	// kept are those that stay in the diagnostics.
	kept int
}

func (e *engineLog) Log(_ context.Context, request *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.messages = append(e.messages, request.GetMessage())
	if !request.GetEphemeral() {
		e.kept++
	}
	return &emptypb.Empty{}, nil
}

// shown runs a local command and returns what the engine was told to show meanwhile.
func shown(t *testing.T, inputs resource.PropertyMap) *engineLog {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, log := grpc.NewServer(), &engineLog{}
	pulumirpc.RegisterEngineServer(server, log)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	provider := NewProvider(context.Background())
	if err := provider.Engine.Connect(listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	marshalled, err := host.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	request := &pulumirpc.CreateRequest{Urn: urnOf(localToken), Properties: marshalled}
	if _, err := provider.Create(context.Background(), request); err != nil {
		t.Fatal(err)
	}
	return log
}

func TestProgressIsShownAsLoggingAsksWhateverIsSecret(t *testing.T) {
	for _, test := range []struct {
		logging string
		want    []string
	}{
		{"stderr", []string{"packages: installing", "it said [secret]"}},
		{"none", nil},
	} {
		inputs := plain(map[string]any{
			"create":  "read -r word; echo facts; echo 'packages: installing' >&2; echo \"it said $word\" >&2",
			"logging": test.logging,
		})
		inputs["stdin"] = resource.MakeSecret(resource.NewStringProperty(password))
		if log := shown(t, inputs); !slices.Equal(log.messages, test.want) || log.kept > 0 {
			t.Errorf("logging %s: %q, %d of them kept; want %q as progress", test.logging, log.messages, log.kept, test.want)
		}
	}
}
