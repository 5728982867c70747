package kubernetes

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var podMapping = mapping{resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, namespaced: true}

// Waiting reasons with which a container does not start on its own.
var stuckReasons = []string{
	"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CrashLoopBackOff",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

// What the scheduler writes about a resource that no node has left.
var insufficient = regexp.MustCompile(`Insufficient ([\w./-]+)`)

// diagnosePods says what keeps the pods of a workload from running, in the words of the scheduler and the kubelet;
// empty when there is nothing to say.
func (c *cluster) diagnosePods(ctx context.Context, workload *unstructured.Unstructured) string {
	pods, err := c.podsOf(ctx, workload)
	if err != nil {
		return fmt.Sprintf("its Pods cannot be listed: %v", c.explain(err))
	}
	troubles := podTroubles(pods)
	if int64(len(pods)) < intAt(workload.Object, 1, "spec", "replicas") {
		troubles = append(troubles, c.creationFailures(ctx, workload)...)
	}
	return strings.Join(troubles, "; ")
}

func (c *cluster) podsOf(ctx context.Context, workload *unstructured.Unstructured) ([]map[string]any, error) {
	if workload.GetKind() == "Pod" {
		return []map[string]any{workload.Object}, nil
	}
	raw, isMap := at(workload.Object, "spec", "selector").(map[string]any)
	if !isMap || workload.GroupVersionKind().Group == "" {
		return nil, nil
	}
	var labels metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &labels); err != nil {
		return nil, err
	}
	selector, err := metav1.LabelSelectorAsSelector(&labels)
	if err != nil {
		return nil, err
	}
	list, err := c.objects(podMapping, workload.GetNamespace()).List(ctx, metav1.ListOptions{
		LabelSelector: selector.String(), ResourceVersion: "0",
	})
	if err != nil {
		return nil, err
	}
	pods := make([]map[string]any, 0, len(list.Items))
	for _, pod := range list.Items {
		if pod.GetDeletionTimestamp() == nil {
			pods = append(pods, pod.Object)
		}
	}
	return pods, nil
}

// podTroubles groups pods by what is wrong with them.
func podTroubles(pods []map[string]any) []string {
	type trouble struct{ kind, words string }
	counts := map[trouble]int{}
	for _, pod := range pods {
		if kind, words := troubleOf(pod); kind != "" {
			counts[trouble{kind, words}]++
		}
	}
	var lines []string
	for found, count := range counts {
		line := fmt.Sprintf("%d of %d Pods %s", count, len(pods), found.kind)
		if found.words != "" {
			line += ": " + found.words
		}
		lines = append(lines, line+advice(found.kind, found.words))
	}
	slices.Sort(lines)
	return lines
}

func troubleOf(pod map[string]any) (kind, words string) {
	if status, reason, message := condition(pod, "PodScheduled"); status == "False" {
		if reason == "Unschedulable" {
			return "unschedulable", message
		}
		return "not scheduled (" + reason + ")", message
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, container := range listAt(pod, "status", list) {
			if kind, words := containerTrouble(container); kind != "" {
				return kind, words
			}
		}
	}
	if stringAt(pod, "status", "phase") == "Failed" {
		return "failed (" + stringAt(pod, "status", "reason") + ")", stringAt(pod, "status", "message")
	}
	return "", ""
}

func containerTrouble(container any) (kind, words string) {
	name := stringAt(container, "name")
	if reason := stringAt(container, "state", "waiting", "reason"); slices.Contains(stuckReasons, reason) {
		words = stringAt(container, "state", "waiting", "message")
		if last := at(container, "lastState", "terminated"); last != nil {
			words = strings.TrimSpace(fmt.Sprintf("%s; it last ended with code %d (%s) %s", words,
				intAt(last, 0, "exitCode"), stringAt(last, "reason"), stringAt(last, "message")))
		}
		return fmt.Sprintf("in %s (container %s)", reason, name), words
	}
	if code := intAt(container, 0, "state", "terminated", "exitCode"); code != 0 {
		return fmt.Sprintf("ended with code %d (container %s)", code, name), stringAt(container, "state", "terminated", "message")
	}
	return "", ""
}

// advice says what the reader can do about it.
func advice(kind, words string) string {
	switch missing := insufficient.FindStringSubmatch(words); {
	case kind == "unschedulable" && missing != nil:
		return fmt.Sprintf(" → ask for less %[1]s, lower the replicas, free %[1]s held by other Pods, or add nodes that have it",
			strings.TrimSuffix(missing[1], "."))
	case kind == "unschedulable":
		return " → compare the Pod's node selector, affinity, tolerations and volumes with `kubectl describe nodes`"
	case strings.Contains(kind, "Image") || strings.Contains(kind, "ErrImage"):
		return " → check the image's name and tag, and the pull secret of its registry"
	case strings.Contains(kind, "CrashLoopBackOff") || strings.Contains(kind, "ended with code"):
		return " → read `kubectl logs --previous` of the container"
	case strings.Contains(kind, "CreateContainerConfigError"):
		return " → check that the ConfigMaps and Secrets it names exist"
	}
	return ""
}

// creationFailures lists why the controller could not create pods at all, a quota for one: it says so only in events.
func (c *cluster) creationFailures(ctx context.Context, workload *unstructured.Unstructured) []string {
	if workload.GroupVersionKind().Group != "apps" && workload.GroupVersionKind().Group != "batch" {
		return nil
	}
	events := mapping{resource: schema.GroupVersionResource{Version: "v1", Resource: "events"}, namespaced: true}
	list, err := c.objects(events, workload.GetNamespace()).List(ctx, metav1.ListOptions{
		FieldSelector: "reason=FailedCreate,involvedObject.uid=" + string(workload.GetUID()),
	})
	if err != nil {
		return []string{fmt.Sprintf("its events cannot be listed: %v", c.explain(err))}
	}
	var messages []string
	for _, event := range list.Items {
		if message := stringAt(event.Object, "message"); !slices.Contains(messages, message) {
			messages = append(messages, message)
		}
	}
	return messages
}
