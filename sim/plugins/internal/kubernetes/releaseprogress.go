package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// More lines than this say no more about why a release is not ready.
const mostUnreadyObjects = 5

// reportProgress shows what a release waits for until the function it returns is called.
func (r *releases) reportProgress(ctx context.Context, connected *cluster, operation *releaseOperation) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(diagnosisInterval)
		defer ticker.Stop()
		for reported := ""; ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			found, err := connected.latestRecord(ctx, operation.namespace, operation.name)
			if err != nil || found == nil {
				continue
			}
			message := operation.redactor.Redact(connected.unreadyObjects(ctx, found))
			if message != reported {
				reported = message
				r.provider.Engine.Status(ctx, string(operation.urn), message)
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// unreadyObjects says which objects of a release are not ready and why.
func (c *cluster) unreadyObjects(ctx context.Context, found *record) string {
	var lines []string
	for _, object := range found.objects() {
		rule := readinessRules[object.GroupVersionKind().GroupKind()]
		if rule == nil {
			continue
		}
		where, err := c.mapping(ctx, object.GroupVersionKind())
		if err != nil {
			continue
		}
		if where.namespaced && object.GetNamespace() == "" {
			object.SetNamespace(found.Namespace)
		}
		live, err := c.objects(where, object.GetNamespace()).Get(ctx, object.GetName(), metav1.GetOptions{})
		if err != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", describe(object), c.explain(err)))
			continue
		}
		if state := rule(live.Object); !state.ready {
			line := describe(live) + ": " + state.message
			if pods := c.diagnosePods(ctx, live); pods != "" {
				line += "; " + pods
			}
			lines = append(lines, line)
		}
	}
	if len(lines) > mostUnreadyObjects {
		rest := len(lines) - mostUnreadyObjects
		lines = append(slices.Clone(lines[:mostUnreadyObjects]), fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(lines, "; ")
}
