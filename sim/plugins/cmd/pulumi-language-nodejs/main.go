// pulumi-language-nodejs lets the Pulumi engine run programs and policy packs written for node, where the official
// language host cannot be downloaded.
package main

import (
	"context"
	"os"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/language"
)

// The engine release whose protocol this host speaks.
const version = "3.259.0"

func main() {
	host.Main(func(ctx context.Context, server *grpc.Server) {
		pulumirpc.RegisterLanguageRuntimeServer(server, language.NewHost(ctx, engineAddress(os.Args[1:]), version))
	})
}

// engineAddress is the first argument that is not a flag; the engine passes flags for logging and tracing before it.
func engineAddress(arguments []string) string {
	for _, argument := range arguments {
		if !strings.HasPrefix(argument, "-") {
			return argument
		}
	}
	return ""
}
