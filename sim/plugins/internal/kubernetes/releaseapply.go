package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

func (r *releases) create(
	ctx context.Context, request *pulumirpc.CreateRequest,
) (*pulumirpc.CreateResponse, error) {
	inputs, err := host.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, err
	}
	operation := r.newReleaseOperation(request.GetUrn(), inputs, nil)
	operation.timeout = request.GetTimeout()
	if request.GetPreview() {
		outputs, err := host.Marshal(operation.plannedOutputs(nil))
		return &pulumirpc.CreateResponse{Properties: outputs}, err
	}
	outputs, err := r.apply(ctx, operation, true)
	if err != nil {
		return nil, err
	}
	marshalled, err := host.Marshal(outputs)
	return &pulumirpc.CreateResponse{Id: operation.id(), Properties: marshalled}, err
}

func (r *releases) update(
	ctx context.Context, request *pulumirpc.UpdateRequest,
) (*pulumirpc.UpdateResponse, error) {
	inputs, olds, err := host.UnmarshalBoth(request.GetNews(), request.GetOlds())
	if err != nil {
		return nil, err
	}
	operation := r.newReleaseOperation(request.GetUrn(), inputs, olds)
	operation.timeout = request.GetTimeout()
	outputs := operation.plannedOutputs(olds)
	if !request.GetPreview() {
		if outputs, err = r.apply(ctx, operation, false); err != nil {
			return nil, err
		}
	}
	marshalled, err := host.Marshal(outputs)
	return &pulumirpc.UpdateResponse{Properties: marshalled}, err
}

// apply installs or upgrades the release and waits for it, then reads back what Helm has recorded.
func (r *releases) apply(
	ctx context.Context, operation *releaseOperation, create bool,
) (resource.PropertyMap, error) {
	connected, err := r.provider.cluster()
	if err != nil {
		return nil, operation.fail("installing", err)
	}
	if err := r.clearTheWay(ctx, connected, operation, create); err != nil {
		return nil, operation.fail("installing", err)
	}
	applyErr := r.provider.withHelm(func(prepared helm) error {
		stop := r.reportProgress(ctx, connected, operation)
		defer stop()
		return prepared.upgrade(ctx, operation)
	})
	// The engine's context may be over, the record of what was done is needed all the same.
	readCtx := context.WithoutCancel(ctx)
	found, err := connected.latestRecord(readCtx, operation.namespace, operation.name)
	switch {
	case applyErr == nil && err == nil && found != nil:
		return operation.outputsOf(found), nil
	case applyErr == nil:
		return nil, operation.fail("installing", errors.Join(err, errors.New("helm left no record of the release")))
	case err != nil || found == nil:
		return nil, operation.fail("installing", errors.Join(applyErr, err))
	}
	if unready := connected.unreadyObjects(readCtx, found); unready != "" {
		applyErr = fmt.Errorf("%w; %s", applyErr, unready)
	}
	failure := operation.fail("installing", applyErr)
	return nil, host.InitFailed(operation.id(), operation.outputsOf(found), operation.inputs, failure.Error())
}

// clearTheWay makes sure that the release is ours to change, and undoes the lock of an operation that was
// interrupted: Helm refuses everything while a revision is pending.
func (r *releases) clearTheWay(
	ctx context.Context, connected *cluster, operation *releaseOperation, create bool,
) error {
	found, err := connected.latestRecord(ctx, operation.namespace, operation.name)
	if err != nil || found == nil {
		return err
	}
	ours := found.owner == operation.owner && r.provider.mayResume(operation.urn)
	if create && !ours && !r.provider.settings.adoptExisting {
		return fmt.Errorf("a release of this name exists already (%s, revision %d, %s), not made by this resource; take it over "+
			"with `pulumi import`, give this release another name, or run `helm uninstall %s -n %s` first",
			found.Chart.Metadata.Name, found.Version, found.Info.Status, found.Name, found.Namespace)
	}
	if create {
		r.provider.resumed.Store(string(operation.urn), operation.id())
	}
	if !strings.HasPrefix(found.Info.Status, "pending-") {
		return nil
	}
	r.provider.Engine.Info(ctx, string(operation.urn), fmt.Sprintf(
		"an earlier operation on the release was interrupted (revision %d is %s); going on from there",
		found.Version, found.Info.Status))
	return connected.forget(ctx, found)
}

func (r *releases) read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	inputs, olds, err := host.UnmarshalBoth(request.GetInputs(), request.GetProperties())
	if err != nil {
		return nil, err
	}
	operation := r.newReleaseOperation(request.GetUrn(), inputs, olds)
	namespace, name, isID := strings.Cut(request.GetId(), "/")
	if !isID {
		return nil, fmt.Errorf("%q is not the id of a Helm release; give namespace/name", request.GetId())
	}
	operation.namespace, operation.name = namespace, name
	connected, err := r.provider.cluster()
	if err != nil {
		return nil, operation.fail("reading", err)
	}
	found, err := connected.latestRecord(ctx, namespace, name)
	if err != nil {
		return nil, operation.fail("reading", err)
	}
	if found == nil || found.Info.Status == "uninstalled" {
		return &pulumirpc.ReadResponse{}, nil
	}
	operation.inputs = driftedRelease(inputs, found)
	outputs, err := host.Marshal(operation.outputsOf(found))
	if err != nil {
		return nil, err
	}
	marshalledInputs, err := host.Marshal(operation.inputs)
	return &pulumirpc.ReadResponse{Id: operation.id(), Properties: outputs, Inputs: marshalledInputs}, err
}

// driftedRelease are the inputs with what the live release has in place of what was changed behind our back.
func driftedRelease(inputs resource.PropertyMap, found *record) resource.PropertyMap {
	drifted := inputs.Copy()
	if len(inputs) == 0 {
		drifted["chart"] = resource.NewStringProperty(found.Chart.Metadata.Name)
		drifted["version"] = resource.NewStringProperty(found.Chart.Metadata.Version)
	}
	drifted["name"] = resource.NewStringProperty(found.Name)
	drifted["namespace"] = resource.NewStringProperty(found.Namespace)
	version := properties.String(inputs, "version")
	live := found.Chart.Metadata.Version
	if version != "" && strings.TrimPrefix(version, "v") != strings.TrimPrefix(live, "v") {
		drifted["version"] = resource.NewStringProperty(live)
	}
	// Values in files are part of the live config too, so only values alone can be compared.
	if _, files := inputs["valueYamlFiles"]; files {
		return drifted
	}
	wanted := properties.PlainMap(properties.Object(inputs, "values"))
	config := properties.FromPlainMap(found.Config)
	if len(wanted)+len(config) > 0 && !reflect.DeepEqual(wanted, properties.PlainMap(config)) {
		values := resource.PropertyMap{"values": resource.NewObjectProperty(config)}
		drifted["values"] = properties.MarkSecrets(values, inputs)["values"]
	}
	return drifted
}

func (r *releases) delete(ctx context.Context, request *pulumirpc.DeleteRequest) error {
	inputs, err := host.Unmarshal(request.GetOldInputs())
	if err != nil {
		return err
	}
	operation := r.newReleaseOperation(request.GetUrn(), inputs, nil)
	operation.timeout = request.GetTimeout()
	operation.namespace, operation.name, _ = strings.Cut(request.GetId(), "/")
	connected, err := r.provider.cluster()
	if err != nil {
		return operation.fail("uninstalling", err)
	}
	// Helm's own words for an API server that is not there say nothing of what to do.
	found, err := connected.latestRecord(ctx, operation.namespace, operation.name)
	if err != nil {
		return operation.fail("uninstalling", err)
	}
	if found == nil {
		return nil
	}
	err = r.provider.withHelm(func(prepared helm) error {
		return prepared.run(ctx, operation.namespace, nil, "uninstall", operation.name, "--ignore-not-found", "--wait",
			"--timeout", operation.waitLimit().String())
	})
	if err != nil {
		return operation.fail("uninstalling", err)
	}
	return nil
}
