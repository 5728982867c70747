package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/csaupgrade"
	"k8s.io/client-go/util/retry"
)

const annotationPatchForce = "pulumi.com/patchForce"

// How often and after how long a create is tried again whose kind or namespace is not there yet: a definition that is
// Established can take a moment to be served.
const (
	createAttempts   = 5
	createRetryDelay = 250 * time.Millisecond
)

// target is where an object of the API server lives.
type target struct {
	cluster *cluster
	where   mapping
	client  dynamic.ResourceInterface
}

// locate finds the place of the object, and completes its namespace.
func (p *Provider) locate(ctx context.Context, operation *operation, object *unstructured.Unstructured) (target, error) {
	connected, err := p.cluster()
	if err != nil {
		return target{}, err
	}
	where, err := connected.mapping(ctx, operation.kind)
	if err != nil {
		return target{}, err
	}
	if where.namespaced && object.GetNamespace() == "" {
		namespace := p.settings.namespace
		if namespace == "" {
			namespace = connected.namespace
		}
		object.SetNamespace(namespace)
	}
	return target{connected, where, connected.objects(where, object.GetNamespace())}, nil
}

func (p *Provider) createObject(
	ctx context.Context, request *pulumirpc.CreateRequest,
) (*pulumirpc.CreateResponse, error) {
	operation, err := p.newOperation(request.GetUrn(), request.GetProperties(), nil)
	if err != nil {
		return nil, err
	}
	operation.timeout, operation.preview = request.GetTimeout(), request.GetPreview()
	if operation.preview {
		return p.previewCreate(ctx, operation, request)
	}
	object := operation.object()
	live, err := p.create(ctx, operation, object)
	if err != nil {
		return nil, operation.fail("creating", object, explainMissingKind(operation, err))
	}
	live, failure := p.await(ctx, operation, live)
	if failure != nil {
		return nil, operation.incomplete(live, failure)
	}
	outputs, err := marshalOutputs(operation, live)
	return &pulumirpc.CreateResponse{Id: idOf(live), Properties: outputs}, err
}

func explainMissingKind(operation *operation, err error) error {
	if !meta.IsNoMatchError(err) {
		return err
	}
	return fmt.Errorf("the API server knows no kind %s in %s; create its CustomResourceDefinition first, and let this "+
		"resource depend on what creates it: %w", operation.kind.Kind, operation.kind.GroupVersion(), err)
}

// create posts the object. An object that exists already is an error, unless an earlier update was interrupted right
// after it had created it.
func (p *Provider) create(
	ctx context.Context, operation *operation, object *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	for attempt := 1; ; attempt++ {
		live, err := p.createOnce(ctx, operation, object)
		retriable := meta.IsNoMatchError(err) || apierrors.IsNotFound(err)
		if !retriable || attempt == createAttempts {
			return live, err
		}
		p.Engine.Status(ctx, string(operation.urn), operation.redactor.Redact(fmt.Sprintf("trying again: %v", err)))
		select {
		case <-time.After(createRetryDelay << attempt):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (p *Provider) createOnce(
	ctx context.Context, operation *operation, object *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	found, err := p.locate(ctx, operation, object)
	if err != nil {
		return nil, err
	}
	callCtx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	live, err := found.client.Create(callCtx, object, metav1.CreateOptions{
		FieldManager: operation.fieldManager, DryRun: operation.dryRun(),
	})
	if !apierrors.IsAlreadyExists(err) || operation.preview {
		return live, found.cluster.explain(err)
	}
	existing, getErr := found.client.Get(callCtx, object.GetName(), metav1.GetOptions{})
	if getErr != nil {
		return nil, found.cluster.explain(getErr)
	}
	ours := managedBy(existing, operation.fieldManager) && p.mayResume(operation.urn)
	if !ours && !p.settings.adoptExisting {
		return nil, fmt.Errorf("%w; it was not made by this resource. Take it over with `pulumi import`, give this "+
			"resource another name, or delete the object first. If a resource was renamed in the program, add an alias; "+
			"if it is being replaced, set deleteBeforeReplace", err)
	}
	p.resumed.Store(string(operation.urn), idOf(object))
	return p.applyOver(callCtx, operation, found, existing, object)
}

func managedBy(object *unstructured.Unstructured, manager string) bool {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == manager {
			return true
		}
	}
	return false
}

func (p *Provider) updateObject(
	ctx context.Context, request *pulumirpc.UpdateRequest,
) (*pulumirpc.UpdateResponse, error) {
	operation, err := p.newOperation(request.GetUrn(), request.GetNews(), request.GetOlds())
	if err != nil {
		return nil, err
	}
	operation.timeout, operation.preview = request.GetTimeout(), request.GetPreview()
	if operation.preview {
		return p.previewUpdate(ctx, operation)
	}
	object := operation.object()
	live, err := p.update(ctx, operation, object)
	if err != nil {
		return nil, operation.fail("updating", object, err)
	}
	live, failure := p.await(ctx, operation, live)
	if failure != nil {
		return nil, operation.incomplete(live, failure)
	}
	outputs, err := marshalOutputs(operation, live)
	return &pulumirpc.UpdateResponse{Properties: outputs}, err
}

// update applies the object, and creates it again if somebody deleted it.
func (p *Provider) update(
	ctx context.Context, operation *operation, object *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	found, err := p.locate(ctx, operation, object)
	if err != nil {
		return nil, err
	}
	callCtx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	existing, err := found.client.Get(callCtx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return p.create(ctx, operation, object)
	}
	if err != nil {
		return nil, found.cluster.explain(err)
	}
	return p.applyOver(callCtx, operation, found, existing, object)
}

// applyOver changes an existing object by server-side apply. Fields that others changed since are taken back, with a
// warning that names who changed them.
func (p *Provider) applyOver(
	ctx context.Context, operation *operation, found target, existing, object *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	if err := claimCreatedFields(ctx, operation, found, existing); err != nil {
		return nil, found.cluster.explain(err)
	}
	force := p.settings.forcePatch || operation.preview || object.GetAnnotations()[annotationPatchForce] == "true"
	live, err := operation.apply(ctx, found, object, force)
	if apierrors.IsConflict(err) && !force {
		p.Engine.Warning(ctx, string(operation.urn), operation.redactor.Redact(fmt.Sprintf(
			"taking back fields of %s that others had changed: %s", describe(object), conflicts(err))))
		live, err = operation.apply(ctx, found, object, true)
	}
	return live, found.cluster.explain(err)
}

// claimCreatedFields hands the fields that our create set over to our server-side apply: else apply could not remove
// a field that the program no longer sets.
func claimCreatedFields(
	ctx context.Context, operation *operation, found target, existing *unstructured.Unstructured,
) error {
	if operation.preview {
		return nil
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(
			existing, sets.New(operation.fieldManager), operation.fieldManager)
		if err != nil || len(patch) == 0 {
			return err
		}
		_, err = found.client.Patch(ctx, existing.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{
			FieldManager: operation.fieldManager,
		})
		if !apierrors.IsConflict(err) {
			return err
		}
		conflict := err
		if existing, err = found.client.Get(ctx, existing.GetName(), metav1.GetOptions{}); err != nil {
			return err
		}
		return conflict
	})
}

func (o *operation) apply(
	ctx context.Context, found target, object *unstructured.Unstructured, force bool,
) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(object.Object)
	if err != nil {
		return nil, err
	}
	return found.client.Patch(ctx, object.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: o.fieldManager, Force: &force, DryRun: o.dryRun(),
	})
}

func (o *operation) dryRun() []string {
	if o.preview {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// conflicts lists the fields and their managers from an error of server-side apply.
func conflicts(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return err.Error()
	}
	var found []string
	for _, cause := range status.Status().Details.Causes {
		found = append(found, fmt.Sprintf("%s (%s)", cause.Field, cause.Message))
	}
	return strings.Join(found, ", ")
}
