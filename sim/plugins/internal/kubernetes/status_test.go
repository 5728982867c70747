package kubernetes

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	parsed := &unstructured.Unstructured{}
	if err := parsed.UnmarshalJSON(encoded); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestReadiness(t *testing.T) {
	const ready, failed = "ready", "failed"
	deployment := `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 3}, status: `
	stateful := `{apiVersion: apps/v1, kind: StatefulSet, spec: {replicas: 2}, status: `
	daemon := `{apiVersion: apps/v1, kind: DaemonSet, spec: {}, status: `
	job := `{apiVersion: batch/v1, kind: Job, spec: {completions: 2}, status: `
	pod := `{apiVersion: v1, kind: Pod, status: `
	claim := `{apiVersion: v1, kind: PersistentVolumeClaim, spec: {storageClassName: s, volumeName: v}, status: `
	service := `{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: `
	quota := `{apiVersion: v1, kind: ResourceQuota, spec: {hard: {requests.cpu: "1000m"}}, status: `
	definition := `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: `
	cases := []struct{ name, object, want string }{
		{"deployment not seen", deployment + `{observedGeneration: 1}}`, "has not seen"},
		{"deployment creating", deployment + `{observedGeneration: 2, updatedReplicas: 1}}`, "1 of 3 Pods updated"},
		{"deployment forbidden by a quota", deployment + `{observedGeneration: 2, conditions: [{type: ReplicaFailure,
			status: "True", message: "exceeded quota"}]}}`, "exceeded quota"},
		{"deployment ending old pods", deployment + `{observedGeneration: 2, updatedReplicas: 3, replicas: 4}}`, "1 old Pods"},
		{"deployment starting", deployment + `{observedGeneration: 2, updatedReplicas: 3, replicas: 3,
			availableReplicas: 2}}`, "2 of 3 Pods available"},
		{"deployment available", deployment + `{observedGeneration: 2, updatedReplicas: 3, replicas: 3,
			availableReplicas: 3}}`, ready},
		{"deployment past its deadline", deployment + `{observedGeneration: 2, conditions: [{type: Progressing,
			status: "False", reason: ProgressDeadlineExceeded, message: gave up}]}}`, failed},
		{"deployment of none", `{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0}}`, ready},
		{"stateful set starting", stateful + `{availableReplicas: 1}}`, "1 of 2 Pods available"},
		{"stateful set updating", stateful + `{availableReplicas: 2, updatedReplicas: 1, currentRevision: a,
			updateRevision: b}}`, "1 of 2 Pods updated"},
		{"stateful set available", stateful + `{availableReplicas: 2, updatedReplicas: 2}}`, ready},
		{"daemon set starting", daemon + `{desiredNumberScheduled: 4, updatedNumberScheduled: 4, numberAvailable: 3}}`,
			"3 of 4 Pods available"},
		{"daemon set without nodes", daemon + `{desiredNumberScheduled: 0}}`, ready},
		{"job running", job + `{succeeded: 1}}`, "1 of 2 completions"},
		{"job complete", job + `{conditions: [{type: Complete, status: "True"}]}}`, ready},
		{"job failed", job + `{conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded}]}}`, failed},
		{"pod pending", pod + `{phase: Pending}}`, "Pending"},
		{"pod ready", pod + `{phase: Running, conditions: [{type: Ready, status: "True"}]}}`, ready},
		{"pod done", pod + `{phase: Succeeded}}`, ready},
		{"pod failed", pod + `{phase: Failed, reason: Evicted}}`, failed},
		{"claim pending", claim + `{phase: Pending}}`, `"s"`},
		{"claim bound", claim + `{phase: Bound}}`, ready},
		{"claim lost", claim + `{phase: Lost}}`, failed},
		{"load balancer without address", service + `{loadBalancer: {}}}`, "no load balancer"},
		{"load balancer with address", service + `{loadBalancer: {ingress: [{ip: 10.0.0.1}]}}}`, ready},
		{"cluster service", `{apiVersion: v1, kind: Service, spec: {type: ClusterIP}}`, ready},
		{"namespace ending", `{apiVersion: v1, kind: Namespace, status: {phase: Terminating}}`, "Terminating"},
		{"quota not enforced", quota + `{}}`, "not enforced"},
		{"quota enforced", quota + `{hard: {requests.cpu: "1"}}}`, ready},
		{"definition unknown", definition + `{}}`, "not established"},
		{"definition with a taken name", definition + `{conditions: [{type: NamesAccepted, status: "False"}]}}`, failed},
		{"definition established", definition + `{conditions: [{type: Established, status: "True"}]}}`, ready},
		{"waitFor condition missing", `{apiVersion: x/v1, kind: W, metadata: {annotations:
			{pulumi.com/waitFor: condition=Ready}}}`, "condition Ready"},
		{"waitFor condition met", `{apiVersion: x/v1, kind: W, metadata: {annotations:
			{pulumi.com/waitFor: condition=Ready}}, status: {conditions: [{type: Ready, status: "True"}]}}`, ready},
		{"waitFor path missing", `{apiVersion: x/v1, kind: W, metadata: {annotations:
			{pulumi.com/waitFor: "jsonpath={.status.phase}=Up"}}, status: {phase: Down}}`, `"Down"`},
		{"waitFor several", `{apiVersion: x/v1, kind: W, metadata: {annotations: {pulumi.com/waitFor:
			'["jsonpath={.status.phase}=Up", "jsonpath={.status.address}"]'}}, status: {phase: Up, address: a}}`, ready},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			parsed := object(t, test.object)
			rule, err := readinessRule(parsed)
			if err != nil {
				t.Fatal(err)
			}
			state := rule(parsed.Object)
			switch test.want {
			case ready:
				if !state.ready {
					t.Errorf("not ready: %s", state.message)
				}
			case failed:
				if !state.failed {
					t.Errorf("state = %+v, want a failure", state)
				}
			default:
				if state.ready || state.failed || !strings.Contains(state.message, test.want) {
					t.Errorf("state = %+v, want waiting with %q", state, test.want)
				}
			}
		})
	}
}

func TestReadinessRuleRefusesUnknownExpressions(t *testing.T) {
	for _, expression := range []string{"Ready", "jsonpath={.status", "[]", `["condition=A", "x"]`} {
		if _, err := parseWaitFor(expression); err == nil || !strings.Contains(err.Error(), annotationWaitFor) {
			t.Errorf("%q: error = %v, want one that names the annotation", expression, err)
		}
	}
}

func TestSkipAwait(t *testing.T) {
	skipped := object(t, `{apiVersion: v1, kind: Pod, metadata: {annotations: {pulumi.com/skipAwait: "true"}}}`)
	if rule, err := readinessRule(skipped); rule != nil || err != nil {
		t.Errorf("there is a rule to wait by, error %v", err)
	}
}

func TestPodTroubles(t *testing.T) {
	unschedulable := `{status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable,
		message: "0/4 nodes are available: 4 Insufficient amd.com/gpu."}]}}`
	pods := []map[string]any{
		object(t, `{apiVersion: v1, kind: Pod, status: {phase: Running}}`).Object,
		object(t, `{apiVersion: v1, kind: Pod, `+unschedulable[1:]).Object,
		object(t, `{apiVersion: v1, kind: Pod, `+unschedulable[1:]).Object,
		object(t, `{apiVersion: v1, kind: Pod, status: {containerStatuses: [{name: vllm, state: {waiting:
			{reason: ImagePullBackOff, message: "Back-off pulling image"}}}]}}`).Object,
		object(t, `{apiVersion: v1, kind: Pod, status: {containerStatuses: [{name: vllm, state: {waiting:
			{reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}]}}`).Object,
		object(t, `{apiVersion: v1, kind: Pod, status: {containerStatuses: [{name: vllm, state: {waiting:
			{reason: ContainerCreating}}}]}}`).Object,
	}
	lines := strings.Join(podTroubles(pods), "\n")
	for _, words := range []string{
		"2 of 6 Pods unschedulable: 0/4 nodes are available: 4 Insufficient amd.com/gpu. → ask for less amd.com/gpu,",
		"1 of 6 Pods in ImagePullBackOff (container vllm): Back-off pulling image → check the image's name",
		"code 137 (OOMKilled)",
	} {
		if !strings.Contains(lines, words) {
			t.Errorf("%q is not in:\n%s", words, lines)
		}
	}
	if strings.Contains(lines, "ContainerCreating") {
		t.Errorf("a container that is being created is no trouble:\n%s", lines)
	}
}
