package host

import (
	"context"
	"encoding/json"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Provider answers the RPCs on which all our resource providers agree. A provider embeds it and overrides the rest.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	// Name and Version are those of the official plugin in whose place this one stands.
	Name, Version string
	Engine        Engine

	// Context ends when the plugin stops or the engine cancels the update.
	Context context.Context
	cancel  context.CancelFunc
}

// NewProvider prepares the shared part; ctx is the life of the plugin process.
func NewProvider(ctx context.Context, name, version string) *Provider {
	ctx, cancel := context.WithCancel(ctx)
	return &Provider{Name: name, Version: version, Context: ctx, cancel: cancel}
}

// OperationContext ends with the call, with the plugin, or when the engine cancels the update.
func (p *Provider) OperationContext(call context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(call)
	stop := context.AfterFunc(p.Context, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

func (p *Provider) Handshake(
	_ context.Context, request *pulumirpc.ProviderHandshakeRequest,
) (*pulumirpc.ProviderHandshakeResponse, error) {
	if err := p.Engine.Connect(request.GetEngineAddress()); err != nil {
		return nil, fmt.Errorf("connecting to the Pulumi engine: %w", err)
	}
	return &pulumirpc.ProviderHandshakeResponse{
		AcceptSecrets:                   true,
		SupportsAutonamingConfiguration: true,
	}, nil
}

func (p *Provider) Attach(_ context.Context, request *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, p.Engine.Connect(request.GetAddress())
}

func (p *Provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: p.Version}, nil
}

// GetSchema gives an empty schema: programs use the SDK of their language, which was generated from the real one.
func (p *Provider) GetSchema(
	context.Context, *pulumirpc.GetSchemaRequest,
) (*pulumirpc.GetSchemaResponse, error) {
	schema, err := json.Marshal(map[string]string{"name": p.Name, "version": p.Version})
	return &pulumirpc.GetSchemaResponse{Schema: string(schema)}, err
}

func (p *Provider) CheckConfig(
	_ context.Context, request *pulumirpc.CheckRequest,
) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: request.GetNews()}, nil
}

func (p *Provider) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func (p *Provider) Configure(
	context.Context, *pulumirpc.ConfigureRequest,
) (*pulumirpc.ConfigureResponse, error) {
	return ConfigureResponse(), nil
}

// ConfigureResponse declares what all our providers can do.
func ConfigureResponse() *pulumirpc.ConfigureResponse {
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets:                   true,
		SupportsPreview:                 true,
		SupportsAutonamingConfiguration: true,
	}
}

// Cancel stops what is running; operations in flight then report what they have done so far.
func (p *Provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	p.cancel()
	return &emptypb.Empty{}, nil
}

func (p *Provider) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, p.Unsupported("the function " + request.GetTok())
}

func (p *Provider) Call(_ context.Context, request *pulumirpc.CallRequest) (*pulumirpc.CallResponse, error) {
	return nil, p.Unsupported("the method " + request.GetTok())
}

func (p *Provider) Construct(
	_ context.Context, request *pulumirpc.ConstructRequest,
) (*pulumirpc.ConstructResponse, error) {
	return nil, p.Unsupported("the component " + request.GetType())
}

func (p *Provider) Parameterize(
	context.Context, *pulumirpc.ParameterizeRequest,
) (*pulumirpc.ParameterizeResponse, error) {
	return nil, p.Unsupported("a parameterized package")
}

// Unsupported is the error for what only the official plugin can do.
func (p *Provider) Unsupported(what string) error {
	return status.Errorf(codes.Unimplemented,
		"the stand-in for the %[1]s provider does not cover %[2]s; install the official plugin with "+
			"`pulumi plugin install resource %[1]s %[3]s`, or see sim/plugins/README.md for what is covered",
		p.Name, what, p.Version)
}
