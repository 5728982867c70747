// Command inference-stack-backend is a Pulumi state service for the stacks of one machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/version"

	"inference-stack/sim/backend/internal/api"
	"inference-stack/sim/backend/internal/store"
)

type options struct {
	data, portFile, tokenFile string
	lease                     time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", "", "directory of the state; made when needed")
	flag.StringVar(&o.portFile, "port-file", "", "file for the port; a port in it from before is taken again when free")
	flag.StringVar(&o.tokenFile, "token-file", "", "file for the access token, mode 0600; a token in it is kept")
	flag.DurationVar(&o.lease, "lease", store.DefaultLease,
		"how long a silent update holds its stack; the engine renews every 2.5 minutes, so not below 4m")
	flag.Parse()

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, o, log); err != nil {
		fmt.Fprintln(os.Stderr, "inference-stack-backend:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, log *slog.Logger) (err error) {
	if o.data == "" || o.portFile == "" || o.tokenFile == "" || flag.NArg() > 0 {
		return errors.New("--data, --port-file and --token-file are required, and nothing else is taken")
	}
	if o.lease < 4*time.Minute {
		return fmt.Errorf("--lease %s is below 4m: a living engine may be silent for longer than that", o.lease)
	}
	engine := engineVersion()
	// The engine's code signs the states that it replays with the version of its own build, which only its linker sets.
	version.Version = "v" + engine
	states, err := store.Open(o.data, store.Options{Lease: o.lease})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, states.Close()) }()
	token, err := accessToken(o.tokenFile)
	if err != nil {
		return err
	}
	server := &api.Server{Store: states, Token: token, EngineVersion: engine, Log: log}
	return serve(ctx, server, o.portFile, log)
}
