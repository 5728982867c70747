// Package host is what every plugin process shares: the gRPC server the engine connects to, the connection back to
// the engine for messages, and a life that ends with the engine's.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
)

// The engine sends whole resources in one message; its own limit is 400 MiB.
const maxMessageSize = 400 << 20

// How long running operations may take to stop after the engine has gone or asked the plugin to stop. The engine
// itself waits 5 seconds before it kills a plugin.
const shutdownGrace = 4 * time.Second

// How often a plugin whose standard input was closed looks whether its parent still lives.
const parentPollInterval = 500 * time.Millisecond

// Serve listens on a free local port, prints the port for the engine as the protocol asks, and serves what register
// adds until the engine stops the plugin or dies. The context given to register ends at that moment.
func Serve(register func(ctx context.Context, server *grpc.Server)) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		waitForParentExit()
		cancel()
	}()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen on a local port for the Pulumi engine: %w", err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageSize), grpc.MaxSendMsgSize(maxMessageSize))
	register(ctx, server)

	go func() {
		<-ctx.Done()
		stopServer(server)
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving the Pulumi engine: %w", err)
	}
	return nil
}

// Main runs a plugin and turns its error into an exit code.
func Main(register func(ctx context.Context, server *grpc.Server)) {
	if err := Serve(register); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func stopServer(server *grpc.Server) {
	stopped := make(chan struct{})
	go func() {
		server.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(shutdownGrace):
		server.Stop()
	}
}

// waitForParentExit returns when the engine that started this process has gone, killed or not: the engine holds the
// other end of our standard input, and a process whose parent died gets a new one.
func waitForParentExit() {
	parent := os.Getppid()
	// The error says only how the input ended, which the parent's id then decides.
	_, _ = io.Copy(io.Discard, os.Stdin)
	for os.Getppid() == parent {
		time.Sleep(parentPollInterval)
	}
}
