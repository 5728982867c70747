// Package random stands in for the Pulumi random provider: values drawn once and kept in the state until an input
// changes.
package random

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"inference-stack/sim/plugins/internal/host"
)

// Version is the release of the official plugin in whose place this one stands.
const Version = "4.21.2"

// kind is one resource type: the defaults of its inputs and how its value is drawn.
type kind struct {
	defaults resource.PropertyMap
	draw     func(inputs resource.PropertyMap) (id string, drawn resource.PropertyMap, err error)
	// secret lists the drawn properties that nobody may see.
	secret []resource.PropertyKey
}

// Provider implements the resource provider protocol.
type Provider struct {
	*host.Provider
}

// NewProvider makes the provider; ctx is the life of the plugin process.
func NewProvider(ctx context.Context) *Provider {
	return &Provider{host.NewProvider(ctx, "random", Version)}
}

func (p *Provider) kindOf(urn string) (kind, error) {
	token := string(resource.URN(urn).Type())
	found, ok := kinds[token]
	if !ok {
		return kind{}, p.Unsupported(fmt.Sprintf("%s (it covers %v)", token, slices.Sorted(maps.Keys(kinds))))
	}
	return found, nil
}

func (p *Provider) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	drawn, err := p.kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := host.Unmarshal(request.GetNews())
	if err != nil {
		return nil, err
	}
	for key, value := range drawn.defaults {
		if _, given := inputs[key]; !given {
			inputs[key] = value
		}
	}
	marshalled, err := host.Marshal(inputs)
	return &pulumirpc.CheckResponse{Inputs: marshalled}, err
}

// Diff replaces the resource on any changed input, as a value drawn under other rules is another value.
func (p *Provider) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := host.UnmarshalBoth(request.GetOldInputs(), request.GetNews())
	if err != nil {
		return nil, err
	}
	return host.Differences(olds.Diff(news), func(resource.PropertyKey) bool { return true }), nil
}

func (p *Provider) Create(_ context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	drawn, err := p.kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	outputs, err := host.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, err
	}
	if request.GetPreview() {
		return &pulumirpc.CreateResponse{Properties: request.GetProperties()}, nil
	}
	id, values, err := drawn.draw(outputs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resource.URN(request.GetUrn()).Name(), err)
	}
	for key, value := range values {
		if slices.Contains(drawn.secret, key) {
			value = resource.MakeSecret(value)
		}
		outputs[key] = value
	}
	marshalled, err := host.Marshal(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: marshalled}, err
}

// Read gives back what the state holds: the value exists nowhere else.
func (p *Provider) Read(_ context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if len(request.GetProperties().GetFields()) == 0 {
		return nil, p.Unsupported("importing an existing value")
	}
	return &pulumirpc.ReadResponse{
		Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs(),
	}, nil
}

func (p *Provider) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
