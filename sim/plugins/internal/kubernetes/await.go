package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// How often a wait looks for the cause of the delay. Most objects are ready before the first look.
const diagnosisInterval = 2 * time.Second

// waiter follows one object until it is ready.
type waiter struct {
	provider  *Provider
	operation *operation
	target    target
	rule      func(map[string]any) readiness
	live      *unstructured.Unstructured
	timeout   time.Duration
	// reported is the last line of progress.
	reported string
}

// await waits until the object is ready. The failure says why it is not; the object is then its last known state.
func (p *Provider) await(
	ctx context.Context, operation *operation, live *unstructured.Unstructured,
) (last *unstructured.Unstructured, failure error) {
	rule, err := readinessRule(live)
	if err != nil || rule == nil {
		return live, err
	}
	if rule(live.Object).ready {
		return live, nil
	}
	timeout, err := awaitTimeout(operation.timeout, live.GetAnnotations())
	if err != nil {
		return live, err
	}
	found, err := p.locate(ctx, operation, live)
	if err != nil {
		return live, err
	}
	waiting := &waiter{
		provider: p, operation: operation, target: found, rule: rule, live: live, timeout: timeout,
	}
	failure = waiting.run(ctx)
	return waiting.live, failure
}

func (w *waiter) run(ctx context.Context) error {
	if w.target.cluster.bindsOnFirstUse(ctx, w.live) {
		return nil
	}
	deadline, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	for {
		state, err := w.follow(deadline)
		switch {
		case state.ready:
			return nil
		case state.failed:
			return w.explain(ctx, fmt.Sprintf("%s failed: %s", describe(w.live), state.message))
		case ctx.Err() != nil:
			return fmt.Errorf("%s: cancelled while waiting: %s", describe(w.live), w.rule(w.live.Object).message)
		case deadline.Err() != nil:
			return w.explain(ctx, fmt.Sprintf("%s is not ready after %s: %s",
				describe(w.live), w.timeout, w.rule(w.live.Object).message))
		case err != nil:
			return fmt.Errorf("waiting for %s: %w", describe(w.live), w.target.cluster.explain(err))
		}
	}
}

// follow watches the object until it is ready or failed. It returns without either when the API server ends the
// watch, as it does now and then.
func (w *waiter) follow(ctx context.Context) (readiness, error) {
	watching, err := w.target.client.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", w.live.GetName()).String(),
		ResourceVersion: w.live.GetResourceVersion(),
	})
	if err != nil {
		return w.refresh(ctx, err)
	}
	defer watching.Stop()
	look := time.NewTicker(diagnosisInterval)
	defer look.Stop()
	for {
		select {
		case event, open := <-watching.ResultChan():
			if !open {
				return w.refresh(ctx, nil)
			}
			if state, over, err := w.take(ctx, event); over {
				return state, err
			}
		case <-look.C:
			w.report(ctx)
		case <-ctx.Done():
			return readiness{}, ctx.Err()
		}
	}
}

func (w *waiter) take(ctx context.Context, event watch.Event) (state readiness, over bool, err error) {
	switch event.Type {
	case watch.Added, watch.Modified:
		w.live = event.Object.(*unstructured.Unstructured)
		state = w.rule(w.live.Object)
		return state, state.ready || state.failed, nil
	case watch.Deleted:
		return hasFailed("it was deleted while waiting for it"), true, nil
	case watch.Error:
		state, err = w.refresh(ctx, apierrors.FromObject(event.Object))
		return state, true, err
	}
	return state, false, nil
}

// refresh reads the object anew after a watch that ended, with an error or without. A version too old to watch from
// is no failure.
func (w *waiter) refresh(ctx context.Context, cause error) (readiness, error) {
	if cause != nil && !apierrors.IsResourceExpired(cause) && !apierrors.IsGone(cause) {
		return readiness{}, cause
	}
	live, err := w.target.client.Get(ctx, w.live.GetName(), metav1.GetOptions{})
	if err != nil {
		return readiness{}, errors.Join(cause, err)
	}
	w.live = live
	return w.rule(live.Object), nil
}

// report shows what the object waits for, when that has changed.
func (w *waiter) report(ctx context.Context) {
	message := w.rule(w.live.Object).message
	if pods := w.diagnose(ctx); pods != "" {
		message += "; " + pods
	}
	message = w.operation.redactor.Redact(message)
	if message != w.reported {
		w.reported = message
		w.provider.Engine.Status(ctx, string(w.operation.urn), message)
	}
}

// explain adds to a failure what its pods say.
func (w *waiter) explain(ctx context.Context, failure string) error {
	if pods := w.diagnose(ctx); pods != "" {
		return fmt.Errorf("%s; %s", failure, pods)
	}
	return errors.New(failure)
}

func (w *waiter) diagnose(ctx context.Context) string {
	return w.target.cluster.diagnosePods(ctx, w.live)
}

// bindsOnFirstUse tells whether a claim stays pending until a pod uses it, so that waiting for it would be in vain.
func (c *cluster) bindsOnFirstUse(ctx context.Context, live *unstructured.Unstructured) bool {
	class := stringAt(live.Object, "spec", "storageClassName")
	if live.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "PersistentVolumeClaim"}) || class == "" {
		return false
	}
	classes := mapping{resource: schema.GroupVersionResource{
		Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses",
	}}
	found, err := c.objects(classes, "").Get(ctx, class, metav1.GetOptions{})
	if err != nil {
		// A class that nobody defined only matches volumes; those bind at once.
		return false
	}
	return stringAt(found.Object, "volumeBindingMode") == "WaitForFirstConsumer"
}
