// pulumi-resource-command stands in for the Pulumi command provider where it cannot be downloaded.
package main

import (
	"context"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"inference-stack/sim/plugins/internal/command"
	"inference-stack/sim/plugins/internal/host"
)

func main() {
	host.Main(func(ctx context.Context, server *grpc.Server) {
		pulumirpc.RegisterResourceProviderServer(server, command.NewProvider(ctx))
	})
}
