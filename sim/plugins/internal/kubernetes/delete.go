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
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

const annotationPropagation = "pulumi.com/deletionPropagationPolicy"

// workloads own other objects, which must be gone before they are.
var workloads = map[schema.GroupKind]bool{
	{Group: "apps", Kind: "Deployment"}: true, {Group: "apps", Kind: "StatefulSet"}: true,
	{Group: "apps", Kind: "DaemonSet"}: true, {Group: "apps", Kind: "ReplicaSet"}: true,
	{Group: "batch", Kind: "Job"}: true, {Group: "batch", Kind: "CronJob"}: true,
}

// deleteObject deletes an object and waits until it is gone.
func (p *Provider) deleteObject(ctx context.Context, request *pulumirpc.DeleteRequest) error {
	operation, err := p.newOperation(request.GetUrn(), request.GetOldInputs(), request.GetProperties())
	if err != nil {
		return err
	}
	object := namedObject(operation.kind, request.GetId())
	found, err := p.locate(ctx, operation, object)
	if meta.IsNoMatchError(err) {
		// With its definition, every object of a kind went.
		return nil
	}
	if err != nil {
		return operation.fail("deleting", object, err)
	}
	annotations := operation.object().GetAnnotations()
	timeout, err := awaitTimeout(request.GetTimeout(), annotations)
	if err != nil {
		return err
	}
	live, err := found.delete(ctx, object, propagationOf(operation.kind, annotations))
	if err != nil {
		return operation.fail("deleting", object, found.cluster.explain(err))
	}
	if live == nil || annotations[annotationSkipAwait] == "true" {
		return nil
	}
	deadline, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := p.awaitGone(deadline, operation, found, live, timeout); err != nil {
		return operation.fail("deleting", object, found.cluster.explain(err))
	}
	return nil
}

// namedObject is the object that an id names.
func namedObject(kind schema.GroupVersionKind, id string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	namespace, name, namespaced := strings.Cut(id, "/")
	if !namespaced {
		namespace, name = "", id
	}
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

func propagationOf(kind schema.GroupVersionKind, annotations map[string]string) metav1.DeletionPropagation {
	switch policy := strings.ToLower(annotations[annotationPropagation]); {
	case policy == "orphan":
		return metav1.DeletePropagationOrphan
	case policy == "foreground" || policy == "" && workloads[kind.GroupKind()]:
		return metav1.DeletePropagationForeground
	}
	// Where nothing is owned, the detour over the garbage collector would only cost time.
	return metav1.DeletePropagationBackground
}

// delete asks for the deletion and gives the object back if it is still there afterwards.
func (t target) delete(
	ctx context.Context, object *unstructured.Unstructured, propagation metav1.DeletionPropagation,
) (*unstructured.Unstructured, error) {
	path := []string{"/apis", t.where.resource.Group, t.where.resource.Version}
	if t.where.resource.Group == "" {
		path = []string{"/api", t.where.resource.Version}
	}
	if t.where.namespaced {
		path = append(path, "namespaces", object.GetNamespace())
	}
	path = append(path, t.where.resource.Resource, object.GetName())
	callCtx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	body, err := t.cluster.rest.Delete().AbsPath(path...).
		SetHeader("Content-Type", "application/json").
		Body([]byte(jsonText(map[string]any{
			"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": string(propagation),
		}))).Do(callCtx).Raw()
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	answer := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, &answer.Object); err != nil {
		return nil, err
	}
	if answer.GetKind() == "Status" && answer.GetAPIVersion() == "v1" {
		return nil, nil
	}
	// An answer that is the object says nothing: some kinds give back what is gone already.
	live, err := t.client.Get(callCtx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && live.GetUID() != answer.GetUID() {
		return nil, nil
	}
	return live, err
}

func (p *Provider) awaitGone(
	ctx context.Context, operation *operation, found target, live *unstructured.Unstructured, timeout time.Duration,
) error {
	for {
		gone, last, err := p.followDeletion(ctx, operation, found, live)
		live = last
		switch {
		case gone:
			return nil
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("it still exists after %s: %s", timeout, whatHolds(live))
		case ctx.Err() != nil:
			return fmt.Errorf("cancelled while waiting for its end: %s", whatHolds(live))
		case err != nil:
			return err
		}
	}
}

func (p *Provider) followDeletion(
	ctx context.Context, operation *operation, found target, live *unstructured.Unstructured,
) (gone bool, last *unstructured.Unstructured, err error) {
	watching, err := found.client.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", live.GetName()).String(),
		ResourceVersion: live.GetResourceVersion(),
	})
	if err == nil {
		defer watching.Stop()
		report := time.NewTicker(diagnosisInterval)
		defer report.Stop()
		for open := true; open; {
			var event watch.Event
			select {
			case event, open = <-watching.ResultChan():
				if event.Type == watch.Deleted {
					return true, live, nil
				}
				if changed, isObject := event.Object.(*unstructured.Unstructured); isObject && event.Type == watch.Modified {
					live = changed
				}
				open = open && event.Type != watch.Error
			case <-report.C:
				p.Engine.Status(ctx, string(operation.urn), whatHolds(live))
			case <-ctx.Done():
				return false, live, ctx.Err()
			}
		}
	}
	// The watch ended: only the object itself can tell now.
	current, err := found.client.Get(ctx, live.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return true, live, nil
	}
	if err != nil {
		return false, live, err
	}
	return current.GetUID() != live.GetUID(), current, nil
}

// whatHolds says why an object that was deleted is still there.
func whatHolds(live *unstructured.Unstructured) string {
	var reasons []string
	if finalizers := live.GetFinalizers(); len(finalizers) > 0 {
		reasons = append(reasons, fmt.Sprintf("it waits for its finalizers %s; check that the controllers behind them run, "+
			"and remove a finalizer by hand only when its controller is gone for good", strings.Join(finalizers, ", ")))
	}
	for _, entry := range listAt(live.Object, "status", "conditions") {
		if strings.HasPrefix(stringAt(entry, "type"), "Namespace") && stringAt(entry, "status") == "True" {
			reasons = append(reasons, stringAt(entry, "message"))
		}
	}
	if len(reasons) == 0 {
		return "it is being deleted"
	}
	return strings.Join(reasons, "; ")
}
