// Package command stands in for the Pulumi command provider: programs run on this machine or over SSH as part of an
// update.
package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

// Version is the release of the official plugin in whose place this one stands.
const Version = "1.2.1"

const (
	localToken  = "command:local:Command"
	remoteToken = "command:remote:Command"
	copyToken   = "command:remote:CopyToRemote"
)

// The official provider ends an id with this many random hexadecimal digits.
const idDigits = 8

// Inputs that collect files after a command.
var unsupportedInputs = []resource.PropertyKey{"assetPaths", "archivePaths"}

// Inputs that decide what a command prints. The connection is secret as a whole and says nothing of the output.
var outputSources = []resource.PropertyKey{"create", "update", "stdin", "environment", "triggers"}

// Provider implements the resource provider protocol.
type Provider struct {
	*host.Provider
}

// NewProvider makes the provider; ctx is the life of the plugin process.
func NewProvider(ctx context.Context) *Provider {
	return &Provider{host.NewProvider(ctx, "command", Version)}
}

func (p *Provider) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	inputs, err := host.Unmarshal(request.GetNews())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{Inputs: request.GetNews()}
	refuse := func(property, reason string) {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: property, Reason: reason})
	}
	switch token := string(resource.URN(request.GetUrn()).Type()); token {
	case localToken, remoteToken:
		for _, key := range unsupportedInputs {
			if _, given := inputs[key]; given {
				refuse(string(key), "the stand-in does not collect files; print what you need to stdout")
			}
		}
		if mode := properties.String(inputs, "logging"); mode != "" && !validLogging[mode] {
			refuse("logging", fmt.Sprintf("%q is not one of stdout, stderr, stdoutAndStderr, none", mode))
		}
	case copyToken:
	default:
		return nil, p.Unsupported(token)
	}
	return response, nil
}

// Diff replaces on changed triggers; every other change runs the update.
func (p *Provider) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := host.UnmarshalBoth(request.GetOldInputs(), request.GetNews())
	if err != nil {
		return nil, err
	}
	diff := properties.RevealAll(olds).Diff(properties.RevealAll(news))
	return host.Differences(diff, func(key resource.PropertyKey) bool { return key == "triggers" }), nil
}

func (p *Provider) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	inputs, err := host.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, err
	}
	outputs := planned(request.GetUrn(), inputs)
	if !request.GetPreview() {
		outputs, err = p.perform(ctx, step{
			urn: resource.URN(request.GetUrn()), inputs: inputs, command: "create", timeout: request.GetTimeout(),
		})
		if err != nil {
			return nil, err
		}
	}
	id, err := resource.NewUniqueHex(resource.URN(request.GetUrn()).Name(), idDigits, 0)
	if err != nil {
		return nil, err
	}
	marshalled, err := host.Marshal(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: marshalled}, err
}

func (p *Provider) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	inputs, olds, err := host.UnmarshalBoth(request.GetNews(), request.GetOlds())
	if err != nil {
		return nil, err
	}
	outputs := planned(request.GetUrn(), inputs)
	if !request.GetPreview() {
		command := resource.PropertyKey("update")
		if _, given := inputs["update"]; !given {
			command = "create"
		}
		outputs, err = p.perform(ctx, step{
			urn: resource.URN(request.GetUrn()), inputs: inputs, olds: olds, command: command, timeout: request.GetTimeout(),
		})
		if err != nil {
			return nil, err
		}
	}
	marshalled, err := host.Marshal(outputs)
	return &pulumirpc.UpdateResponse{Properties: marshalled}, err
}

// Read gives back what the state holds: nothing else knows what a command did.
func (p *Provider) Read(_ context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if len(request.GetProperties().GetFields()) == 0 {
		return nil, p.Unsupported("importing a command")
	}
	return &pulumirpc.ReadResponse{
		Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs(),
	}, nil
}

func (p *Provider) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	olds, err := host.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, err
	}
	if resource.URN(request.GetUrn()).Type() == copyToken {
		return &emptypb.Empty{}, nil
	}
	_, err = p.perform(ctx, step{
		urn: resource.URN(request.GetUrn()), inputs: olds, olds: olds, command: "delete", timeout: request.GetTimeout(),
	})
	return &emptypb.Empty{}, err
}

// step is one command of a resource's life.
type step struct {
	urn resource.URN
	// inputs hold the commands and the connection, olds the outputs of the step before.
	inputs, olds resource.PropertyMap
	command      resource.PropertyKey
	timeout      float64
}

// perform runs a step and returns the resource's new outputs.
func (p *Provider) perform(ctx context.Context, current step) (resource.PropertyMap, error) {
	ctx, done := p.OperationContext(ctx)
	defer done()
	if current.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(current.timeout*float64(time.Second)),
			fmt.Errorf("the command did not end within its customTimeouts of %gs", current.timeout))
		defer cancel()
	}
	redactor := properties.NewRedactor(current.inputs, current.olds)
	outputs := current.inputs.Copy()
	if current.urn.Type() == copyToken {
		if err := copyToRemote(ctx, p, current); err != nil {
			return nil, errors.New(redactor.Redact(err.Error()))
		}
		return outputs, nil
	}
	printed, err := p.runCommand(ctx, current, redactor)
	if err != nil {
		return nil, errors.New(redactor.Redact(err.Error()))
	}
	for key, text := range map[resource.PropertyKey]string{"stdout": printed.stdout, "stderr": printed.stderr} {
		value := resource.NewStringProperty(text)
		if printsSecrets(current.inputs) {
			value = resource.MakeSecret(value)
		}
		outputs[key] = value
	}
	return outputs, nil
}

func printsSecrets(inputs resource.PropertyMap) bool {
	for _, key := range outputSources {
		if inputs[key].ContainsSecrets() {
			return true
		}
	}
	return false
}

// planned are the outputs as a preview knows them.
func planned(urn string, inputs resource.PropertyMap) resource.PropertyMap {
	outputs := inputs.Copy()
	if resource.URN(urn).Type() == copyToken {
		return outputs
	}
	outputs["stdout"] = resource.MakeComputed(resource.NewStringProperty(""))
	outputs["stderr"] = resource.MakeComputed(resource.NewStringProperty(""))
	return outputs
}
