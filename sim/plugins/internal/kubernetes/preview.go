package kubernetes

import (
	"context"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"google.golang.org/protobuf/types/known/structpb"

	"inference-stack/sim/plugins/internal/host"
)

// previewCreate asks the API server what it would make of the object. What it cannot know yet is no error: kinds and
// namespaces that the same update creates, objects that a replacement deletes first.
func (p *Provider) previewCreate(
	ctx context.Context, operation *operation, request *pulumirpc.CreateRequest,
) (*pulumirpc.CreateResponse, error) {
	if p.settings.unknown || operation.inputs.ContainsUnknowns() {
		return &pulumirpc.CreateResponse{Properties: request.GetProperties()}, nil
	}
	object := operation.object()
	planned, err := p.createOnce(ctx, operation, object)
	switch {
	case p.previewImpossible(ctx, operation, err) || apierrors.IsAlreadyExists(err):
		return &pulumirpc.CreateResponse{Properties: request.GetProperties()}, nil
	case err != nil:
		return nil, operation.fail("previewing the creation of", object, err)
	}
	// The empty status of a dry run would break programs that look into it; a missing one is unknown to them.
	unstructured.RemoveNestedField(planned.Object, "status")
	outputs, err := marshalOutputs(operation, planned)
	return &pulumirpc.CreateResponse{Properties: outputs}, err
}

func (p *Provider) previewUpdate(ctx context.Context, operation *operation) (*pulumirpc.UpdateResponse, error) {
	var planned *unstructured.Unstructured
	var err error
	object := operation.object()
	if !p.settings.unknown && !operation.inputs.ContainsUnknowns() {
		planned, err = p.update(ctx, operation, object)
		if err != nil && !p.previewImpossible(ctx, operation, err) {
			return nil, operation.fail("previewing the update of", object, err)
		}
	}
	if planned == nil || err != nil {
		outputs, err := host.Marshal(expectedOutputs(operation))
		return &pulumirpc.UpdateResponse{Properties: outputs}, err
	}
	outputs, err := marshalOutputs(operation, planned)
	return &pulumirpc.UpdateResponse{Properties: outputs}, err
}

// expectedOutputs are the old outputs with the new inputs laid over them.
func expectedOutputs(operation *operation) resource.PropertyMap {
	expected := operation.outputs.Copy()
	maps.Copy(expected, operation.inputs)
	return expected
}

// previewImpossible tells whether only the update itself can say more.
func (p *Provider) previewImpossible(ctx context.Context, operation *operation, err error) bool {
	switch {
	case err == nil:
		return false
	case isUnreachable(err):
		p.warnUnreachable.Do(func() {
			p.Engine.Warning(ctx, "", fmt.Sprintf("the preview is made from the program alone: %v", err))
		})
		return true
	}
	return meta.IsNoMatchError(err) || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) ||
		apierrors.IsMethodNotSupported(err) || isDryRunUnsupported(err)
}

// isDryRunUnsupported recognizes admission webhooks that do not declare to be free of side effects.
func isDryRunUnsupported(err error) bool {
	return apierrors.IsBadRequest(err) && apierrors.ReasonForError(err) == "BadRequest" &&
		containsDryRun(err.Error())
}

func marshalOutputs(operation *operation, live *unstructured.Unstructured) (*structpb.Struct, error) {
	return host.Marshal(operation.outputsOf(live))
}
