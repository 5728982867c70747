package language

import (
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// RunPlugin executes a policy pack or a provider written for node and streams its output. The first line of the
// output is the port on which the plugin serves.
func (h *Host) RunPlugin(
	request *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	info := request.GetInfo()
	parsed, err := parseOptions(info.GetOptions())
	if err != nil {
		return err
	}
	// The two entry points expect the program at different places.
	moduleName, arguments := runPluginModule, append([]string{info.GetProgramDirectory()}, request.GetArgs()...)
	directory := request.GetPwd()
	if request.GetKind() == "analyzer" {
		moduleName, arguments = runPolicyPackModule, append(request.GetArgs(), info.GetProgramDirectory())
		// The SDK reads the pack's version from the package.json of the working directory.
		directory = info.GetProgramDirectory()
	}
	module, err := locateModule(moduleName, info.GetProgramDirectory(), request.GetPwd())
	if err != nil {
		return err
	}
	environment := append(request.GetEnv(), parsed.environment()...)
	if !parsed.typeScript {
		// The SDK compiles and type-checks policy packs with ts-node without asking; ts-node leaves what it is told
		// to ignore to the loader that nodeargs brought.
		environment = append(environment, "TS_NODE_IGNORE=.*")
	}
	output := &outputStream{stream: stream}
	pack := process{
		arguments:   append(append(parsed.nodeArgs, module), arguments...),
		environment: environment,
		directory:   directory,
		stdout:      sender(output.stdout),
		stderr:      sender(output.stderr),
	}
	ctx, release := h.untilCancelled(stream.Context())
	defer release()
	exitCode, err := pack.run(ctx)
	if err != nil {
		return err
	}
	return output.send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exitCode)},
	})
}

// outputStream sends from one writer at a time, as the stream demands.
type outputStream struct {
	mutex  sync.Mutex
	stream pulumirpc.LanguageRuntime_RunPluginServer
}

func (o *outputStream) send(response *pulumirpc.RunPluginResponse) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.stream.Send(response)
}

func (o *outputStream) stdout(output []byte) error {
	return o.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: output}})
}

func (o *outputStream) stderr(output []byte) error {
	return o.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: output}})
}

// sender is a writer that passes each chunk on.
type sender func(output []byte) error

func (s sender) Write(output []byte) (int, error) {
	// The caller reuses its buffer after Write returns, the stream may not have sent it by then.
	if err := s(append([]byte(nil), output...)); err != nil {
		return 0, err
	}
	return len(output), nil
}
