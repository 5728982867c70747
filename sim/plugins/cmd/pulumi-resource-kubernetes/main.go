// pulumi-resource-kubernetes stands in for the Pulumi Kubernetes provider where it cannot be downloaded.
package main

import (
	"context"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/kubernetes"
)

func main() {
	host.Main(func(ctx context.Context, server *grpc.Server) {
		pulumirpc.RegisterResourceProviderServer(server, kubernetes.NewProvider(ctx))
	})
}
