package host

import (
	"context"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Engine sends messages to the engine, which shows them beside the resource they are about. The zero value drops
// them, which is what a plugin started without an engine needs.
type Engine struct {
	mutex  sync.RWMutex
	client pulumirpc.EngineClient
}

// Connect points the messages at the engine's address, as given by a handshake or on the command line.
func (e *Engine) Connect(address string) error {
	if address == "" {
		return nil
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.client = pulumirpc.NewEngineClient(connection)
	return nil
}

// Status shows a line of progress beside the resource until the next one replaces it.
func (e *Engine) Status(ctx context.Context, urn, message string) {
	e.send(ctx, pulumirpc.LogSeverity_INFO, urn, message, true)
}

// Info adds a message to the diagnostics of the resource.
func (e *Engine) Info(ctx context.Context, urn, message string) {
	e.send(ctx, pulumirpc.LogSeverity_INFO, urn, message, false)
}

// Warning adds a warning to the diagnostics of the resource.
func (e *Engine) Warning(ctx context.Context, urn, message string) {
	e.send(ctx, pulumirpc.LogSeverity_WARNING, urn, message, false)
}

// A message that cannot be delivered must not fail the operation it is about: the operation's result carries the
// same facts.
func (e *Engine) send(ctx context.Context, severity pulumirpc.LogSeverity, urn, message string, ephemeral bool) {
	e.mutex.RLock()
	client := e.client
	e.mutex.RUnlock()
	if client == nil {
		return
	}
	_, _ = client.Log(ctx, &pulumirpc.LogRequest{
		Severity: severity, Urn: urn, Message: message, Ephemeral: ephemeral,
	})
}
