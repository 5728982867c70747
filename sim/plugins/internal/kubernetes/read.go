package kubernetes

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

// readObject reads an object for refresh, for import and for the SDK's get.
func (p *Provider) readObject(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	operation, err := p.newOperation(request.GetUrn(), request.GetInputs(), request.GetProperties())
	if err != nil {
		return nil, err
	}
	if p.settings.unknown {
		return nil, fmt.Errorf("%s: its cluster does not exist yet; run `pulumi up` instead of a preview", request.GetId())
	}
	object := namedObject(operation.kind, request.GetId())
	live, err := p.readLive(ctx, operation, object)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return &pulumirpc.ReadResponse{}, nil
	}
	if err != nil {
		return nil, operation.fail("reading", object, err)
	}
	// A refresh knows what the program had set, an import or a get does not.
	known := len(operation.inputs) > 0 && properties.String(operation.inputs, "kind") != ""
	inputs := properties.FromPlainMap(importedInputs(live))
	if known {
		inputs = driftedInputs(operation, live)
	}
	operation.inputs = properties.MarkSecrets(markSecretData(operation.kind, inputs), operation.inputs)
	outputs, err := marshalOutputs(operation, live)
	if err != nil {
		return nil, err
	}
	marshalledInputs, err := host.Marshal(operation.inputs)
	if err != nil {
		return nil, err
	}
	if known {
		if unready := p.unreadiness(ctx, live); unready != "" {
			return nil, operation.incomplete(live, fmt.Errorf("%s is not ready: %s", describe(live), unready))
		}
	}
	return &pulumirpc.ReadResponse{Id: idOf(live), Properties: outputs, Inputs: marshalledInputs}, nil
}

func (p *Provider) readLive(
	ctx context.Context, operation *operation, object *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	found, err := p.locate(ctx, operation, object)
	if err != nil {
		return nil, err
	}
	callCtx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	live, err := found.client.Get(callCtx, object.GetName(), metav1.GetOptions{})
	return live, found.cluster.explain(err)
}

// unreadiness says why a live object would be waited for; empty when it would not.
func (p *Provider) unreadiness(ctx context.Context, live *unstructured.Unstructured) string {
	rule, err := readinessRule(live)
	if err != nil || rule == nil {
		return ""
	}
	state := rule(live.Object)
	connected, err := p.cluster()
	if state.ready || err != nil || connected.bindsOnFirstUse(ctx, live) {
		return ""
	}
	if pods := connected.diagnosePods(ctx, live); pods != "" {
		return state.message + "; " + pods
	}
	return state.message
}

// Metadata that the API server writes.
var serverMetadata = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
	"resourceVersion", "selfLink", "uid",
}

// importedInputs are the inputs that would make an object like the live one.
func importedInputs(live *unstructured.Unstructured) map[string]any {
	imported := live.DeepCopy()
	for _, field := range serverMetadata {
		unstructured.RemoveNestedField(imported.Object, "metadata", field)
	}
	delete(imported.Object, "status")
	return imported.Object
}

// driftedInputs are the program's inputs with the live values in place of those that were changed or removed.
// Fields that the program leaves to others are no drift.
func driftedInputs(operation *operation, live *unstructured.Unstructured) resource.PropertyMap {
	wanted := properties.PlainMap(operation.inputs)
	stringData, _ := wanted["stringData"].(map[string]any)
	delete(wanted, "stringData")
	drifted, _ := project(wanted, live.Object).(map[string]any)
	if len(stringData) > 0 {
		drifted["stringData"] = projectStringData(stringData, live)
	}
	return properties.FromPlainMap(drifted)
}
