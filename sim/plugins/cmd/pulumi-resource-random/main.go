// pulumi-resource-random stands in for the Pulumi random provider where it cannot be downloaded.
package main

import (
	"context"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/random"
)

func main() {
	host.Main(func(ctx context.Context, server *grpc.Server) {
		pulumirpc.RegisterResourceProviderServer(server, random.NewProvider(ctx))
	})
}
