// Package language runs Pulumi programs and policy packs written for node, as the official language host does: it
// starts node on the entry points that the @pulumi/pulumi package carries for this.
package language

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The SDK ends with this code when it has already shown the error to the user.
const exitCodeReported = 32

const (
	runModule           = "@pulumi/pulumi/cmd/run"
	runPluginModule     = "@pulumi/pulumi/cmd/run-plugin"
	runPolicyPackModule = "@pulumi/pulumi/cmd/run-policy-pack"
)

// Host implements the LanguageRuntime service for nodejs.
type Host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engineAddress string
	version       string
	context       context.Context
	cancel        context.CancelFunc
}

// NewHost makes a host for the engine at engineAddress; programs stop when ctx ends.
func NewHost(ctx context.Context, engineAddress, version string) *Host {
	ctx, cancel := context.WithCancel(ctx)
	return &Host{engineAddress: engineAddress, version: version, context: ctx, cancel: cancel}
}

func (h *Host) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engineAddress = request.GetEngineAddress()
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *Host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: h.version}, nil
}

// Cancel stops every program that runs.
func (h *Host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.cancel()
	return &emptypb.Empty{}, nil
}

func (h *Host) About(context.Context, *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	executable, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("node is not on PATH: install Node.js 20.19 or later: %w", err)
	}
	version, err := exec.Command(executable, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", executable, err)
	}
	return &pulumirpc.AboutResponse{Executable: executable, Version: strings.TrimSpace(string(version))}, nil
}

func (h *Host) GetRequiredPackages(
	_ context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	packages, err := requiredPackages(request.GetInfo().GetProgramDirectory())
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, err
}

func (h *Host) GetProgramDependencies(
	_ context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	dependencies, err := programDependencies(request.GetInfo().GetProgramDirectory())
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: dependencies}, err
}

func (h *Host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

func (h *Host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, _ pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	return status.Errorf(codes.Unimplemented,
		"the stand-in language host does not install packages; run `npm ci` in %s",
		request.GetInfo().GetProgramDirectory())
}

// Run executes the program until it ends and tells the engine how it ended.
func (h *Host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	info := request.GetInfo()
	parsed, err := parseOptions(info.GetOptions())
	if err != nil {
		return nil, err
	}
	module, err := locateModule(runModule, info.GetProgramDirectory(), info.GetRootDirectory())
	if err != nil {
		return nil, err
	}
	configuration, err := configEnvironment(request)
	if err != nil {
		return nil, err
	}
	environment := append(os.Environ(), parsed.environment()...)
	program := process{
		arguments:   append(append(parsed.nodeArgs, module), h.programArguments(request)...),
		environment: append(environment, configuration...),
		directory:   request.GetPwd(),
		stdout:      os.Stdout,
		stderr:      os.Stderr,
	}
	ctx, release := h.untilCancelled(ctx)
	defer release()
	exitCode, err := program.run(ctx)
	switch {
	case err != nil:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("running node: %v", err)}, nil
	case exitCode == exitCodeReported:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case exitCode != 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("node exited with code %d; its messages are above", exitCode)}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

func (h *Host) programArguments(request *pulumirpc.RunRequest) []string {
	info := request.GetInfo()
	flags := []struct{ name, value string }{
		{"--monitor", request.GetMonitorAddress()},
		{"--engine", h.engineAddress},
		{"--organization", request.GetOrganization()},
		{"--project", request.GetProject()},
		{"--root-directory", info.GetRootDirectory()},
		{"--stack", request.GetStack()},
		{"--pwd", info.GetProgramDirectory()},
		{"--parallel", strconv.Itoa(int(request.GetParallel()))},
	}
	var arguments []string
	for _, flag := range flags {
		if flag.value != "" {
			arguments = append(arguments, flag.name, flag.value)
		}
	}
	if request.GetDryRun() {
		arguments = append(arguments, "--dry-run")
	}
	return append(append(arguments, info.GetEntryPoint()), request.GetArgs()...)
}

// configEnvironment passes the stack's config by environment: command lines are visible to every user.
func configEnvironment(request *pulumirpc.RunRequest) ([]string, error) {
	// The SDK reads an object and a list, and fails on the null that empty ones would become.
	config, err := json.Marshal(maps.Collect(maps.All(request.GetConfig())))
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(append([]string{}, request.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}
	return []string{"PULUMI_CONFIG=" + string(config), "PULUMI_CONFIG_SECRET_KEYS=" + string(secretKeys)}, nil
}

func (h *Host) untilCancelled(call context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(call)
	stop := context.AfterFunc(h.context, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}
