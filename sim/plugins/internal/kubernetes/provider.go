// Package kubernetes stands in for the Pulumi Kubernetes provider: objects by server-side apply, and Helm releases by
// the helm binary.
package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"inference-stack/sim/plugins/internal/host"
)

// Version is the release of the official plugin in whose place this one stands.
const Version = "4.34.2"

// Provider implements the resource provider protocol.
type Provider struct {
	*host.Provider
	settings settings
	releases releases

	connect sync.Mutex
	current *cluster

	warnUnreachable sync.Once

	// identity tells this provider resource from others, and from its own replacements.
	identity string
	// known holds the URNs that the state of this update has.
	known sync.Map
	// resumed holds the ids, by URN, that a create of this update found in existence and went on from.
	resumed sync.Map
}

// NewProvider makes the provider; ctx is the life of the plugin process.
func NewProvider(ctx context.Context) *Provider {
	provider := &Provider{Provider: host.NewProvider(ctx, "kubernetes", Version)}
	provider.releases.provider = provider
	return provider
}

// cluster connects on first use, so that a program without objects needs no cluster.
func (p *Provider) cluster() (*cluster, error) {
	p.connect.Lock()
	defer p.connect.Unlock()
	if p.current == nil {
		connected, err := newCluster(p.settings)
		if err != nil {
			return nil, unusable(err)
		}
		p.current = connected
	}
	return p.current, nil
}

func (p *Provider) CheckConfig(
	_ context.Context, request *pulumirpc.CheckRequest,
) (*pulumirpc.CheckResponse, error) {
	arguments, err := host.Unmarshal(request.GetNews())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{Inputs: request.GetNews()}
	if err := checkSettings(arguments); err != nil {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Reason: err.Error()})
	}
	return response, nil
}

func (p *Provider) DiffConfig(
	_ context.Context, request *pulumirpc.DiffRequest,
) (*pulumirpc.DiffResponse, error) {
	olds, err := host.Unmarshal(request.GetOldInputs())
	if err != nil {
		return nil, err
	}
	if len(olds) == 0 {
		if olds, err = host.Unmarshal(request.GetOlds()); err != nil {
			return nil, err
		}
	}
	news, err := host.Unmarshal(request.GetNews())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.DiffResponse{
		Changes:  pulumirpc.DiffResponse_DIFF_NONE,
		Replaces: replacesCluster(parseSettings(olds), parseSettings(news)),
	}
	if diff := olds.Diff(news); diff != nil {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		for _, key := range diff.ChangedKeys() {
			response.Diffs = append(response.Diffs, string(key))
		}
	}
	return response, nil
}

func (p *Provider) Configure(
	_ context.Context, request *pulumirpc.ConfigureRequest,
) (*pulumirpc.ConfigureResponse, error) {
	arguments, err := plugin.UnmarshalProperties(request.GetArgs(), plugin.MarshalOptions{
		KeepUnknowns: true, SkipNulls: true,
	})
	if err != nil {
		return nil, err
	}
	if err := checkSettings(arguments); err != nil {
		return nil, err
	}
	p.settings = parseSettings(arguments)
	p.identity = request.GetUrn() + "::" + request.GetId()
	return host.ConfigureResponse(), nil
}

func (p *Provider) Check(ctx context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if isRelease(request.GetUrn()) {
		return p.releases.check(request)
	}
	return p.checkObject(ctx, request)
}

func (p *Provider) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	p.known.Store(request.GetUrn(), true)
	if isRelease(request.GetUrn()) {
		return p.releases.diff(request)
	}
	return p.diffObject(request)
}

func (p *Provider) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	ctx, done := p.OperationContext(ctx)
	defer done()
	if isRelease(request.GetUrn()) {
		return p.releases.create(ctx, request)
	}
	return p.createObject(ctx, request)
}

func (p *Provider) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	ctx, done := p.OperationContext(ctx)
	defer done()
	if isRelease(request.GetUrn()) {
		return p.releases.update(ctx, request)
	}
	return p.updateObject(ctx, request)
}

func (p *Provider) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	ctx, done := p.OperationContext(ctx)
	defer done()
	if isRelease(request.GetUrn()) {
		return p.releases.read(ctx, request)
	}
	return p.readObject(ctx, request)
}

func (p *Provider) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	ctx, done := p.OperationContext(ctx)
	defer done()
	if p.isResumed(request.GetUrn(), request.GetId()) {
		p.Engine.Warning(ctx, request.GetUrn(), fmt.Sprintf("%s was updated in place: it cannot exist twice under one name; "+
			"set deleteBeforeReplace to have it deleted first", request.GetId()))
		return &emptypb.Empty{}, nil
	}
	var err error
	if isRelease(request.GetUrn()) {
		err = p.releases.delete(ctx, request)
	} else {
		err = p.deleteObject(ctx, request)
	}
	if isUnreachable(err) && p.settings.deleteUnreachable {
		p.Engine.Warning(ctx, request.GetUrn(), fmt.Sprintf("removed from the state only, as deleteUnreachable is set: %v", err))
		err = nil
	}
	return &emptypb.Empty{}, err
}

// ownerOf marks what a resource of this provider creates, by hexadecimal digits. It is the same for every update, so
// that what an interrupted update left behind still tells whose it is.
func (p *Provider) ownerOf(urn resource.URN, digits int) string {
	digest := sha256.Sum256([]byte(p.identity + "::" + string(urn)))
	return hex.EncodeToString(digest[:])[:digits]
}

// mayResume tells whether a create may go on from what exists under its mark. When the state has the resource, the
// create is one half of a replacement, and the deletion of the old half would follow.
func (p *Provider) mayResume(urn resource.URN) bool {
	_, known := p.known.Load(string(urn))
	return !known
}

// isResumed tells whether the object to delete is what the resource's own create went on from in this update. The
// engine can ask for that when it is told to replace a resource: it then shows the provider no old state before.
func (p *Provider) isResumed(urn, id string) bool {
	resumed, found := p.resumed.Load(urn)
	return found && resumed == id
}

func isRelease(urn string) bool { return resource.URN(urn).Type() == releaseToken }
