package kubernetes

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// readiness is what an object's own status says about it.
type readiness struct {
	ready bool
	// failed means that waiting longer is of no use.
	failed bool
	// message says what is missing or what went wrong.
	message string
}

func isReady() readiness { return readiness{ready: true} }

func isWaiting(format string, arguments ...any) readiness {
	return readiness{message: fmt.Sprintf(format, arguments...)}
}

func hasFailed(format string, arguments ...any) readiness {
	return readiness{failed: true, message: fmt.Sprintf(format, arguments...)}
}

// The rules follow what `kubectl rollout status` and `kubectl wait` look at. Kinds without a rule are ready at once,
// custom resources among them, as only their controllers know.
var readinessRules = map[schema.GroupKind]func(object map[string]any) readiness{
	{Group: "apps", Kind: "Deployment"}:                               deploymentReadiness,
	{Group: "apps", Kind: "StatefulSet"}:                              statefulSetReadiness,
	{Group: "apps", Kind: "DaemonSet"}:                                daemonSetReadiness,
	{Group: "apps", Kind: "ReplicaSet"}:                               replicaSetReadiness,
	{Group: "batch", Kind: "Job"}:                                     jobReadiness,
	{Group: "", Kind: "Pod"}:                                          podReadiness,
	{Group: "", Kind: "PersistentVolumeClaim"}:                        claimReadiness,
	{Group: "", Kind: "PersistentVolume"}:                             volumeReadiness,
	{Group: "", Kind: "Service"}:                                      serviceReadiness,
	{Group: "", Kind: "Namespace"}:                                    namespaceReadiness,
	{Group: "", Kind: "ResourceQuota"}:                                quotaReadiness,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: definitionReadiness,
}

func condition(object map[string]any, conditionType string) (status, reason, message string) {
	for _, entry := range listAt(object, "status", "conditions") {
		if stringAt(entry, "type") == conditionType {
			return stringAt(entry, "status"), stringAt(entry, "reason"), stringAt(entry, "message")
		}
	}
	return "", "", ""
}

func observed(object map[string]any) bool {
	return intAt(object, 0, "status", "observedGeneration") >= intAt(object, 0, "metadata", "generation")
}

func deploymentReadiness(object map[string]any) readiness {
	if !observed(object) {
		return isWaiting("the deployment controller has not seen the change yet")
	}
	if status, reason, message := condition(object, "Progressing"); status == "False" && reason == "ProgressDeadlineExceeded" {
		return hasFailed("%s", message)
	}
	wanted := intAt(object, 1, "spec", "replicas")
	updated := intAt(object, 0, "status", "updatedReplicas")
	available := intAt(object, 0, "status", "availableReplicas")
	switch total := intAt(object, 0, "status", "replicas"); {
	case updated < wanted:
		if _, _, message := condition(object, "ReplicaFailure"); message != "" {
			return isWaiting("%d of %d Pods created: %s", updated, wanted, message)
		}
		return isWaiting("%d of %d Pods updated", updated, wanted)
	case total > updated:
		return isWaiting("%d old Pods still to end", total-updated)
	case available < wanted:
		return isWaiting("%d of %d Pods available", available, wanted)
	}
	return isReady()
}

func statefulSetReadiness(object map[string]any) readiness {
	if !observed(object) {
		return isWaiting("the stateful set controller has not seen the change yet")
	}
	wanted := intAt(object, 1, "spec", "replicas")
	available := intAt(object, 0, "status", "availableReplicas")
	if available < wanted {
		return isWaiting("%d of %d Pods available", available, wanted)
	}
	if stringAt(object, "spec", "updateStrategy", "type") == "OnDelete" {
		return isReady()
	}
	partition := intAt(object, 0, "spec", "updateStrategy", "rollingUpdate", "partition")
	updated := intAt(object, 0, "status", "updatedReplicas")
	// Without a change since its creation, the status counts no updated replicas.
	unchanged := stringAt(object, "status", "currentRevision") == stringAt(object, "status", "updateRevision")
	if !unchanged && updated < wanted-partition {
		return isWaiting("%d of %d Pods updated", updated, wanted-partition)
	}
	return isReady()
}

func daemonSetReadiness(object map[string]any) readiness {
	if !observed(object) {
		return isWaiting("the daemon set controller has not seen the change yet")
	}
	wanted := intAt(object, 0, "status", "desiredNumberScheduled")
	updated := intAt(object, 0, "status", "updatedNumberScheduled")
	available := intAt(object, 0, "status", "numberAvailable")
	switch {
	case updated < wanted && stringAt(object, "spec", "updateStrategy", "type") != "OnDelete":
		return isWaiting("%d of %d Pods updated", updated, wanted)
	case available < wanted:
		return isWaiting("%d of %d Pods available", available, wanted)
	}
	return isReady()
}

func replicaSetReadiness(object map[string]any) readiness {
	wanted := intAt(object, 1, "spec", "replicas")
	if available := intAt(object, 0, "status", "availableReplicas"); !observed(object) || available < wanted {
		return isWaiting("%d of %d Pods available", available, wanted)
	}
	return isReady()
}

func jobReadiness(object map[string]any) readiness {
	if status, _, _ := condition(object, "Complete"); status == "True" {
		return isReady()
	}
	if status, reason, message := condition(object, "Failed"); status == "True" {
		return hasFailed("%s: %s", reason, message)
	}
	if boolAt(object, "spec", "suspend") {
		return isReady()
	}
	return isWaiting("%d of %d completions", intAt(object, 0, "status", "succeeded"), intAt(object, 1, "spec", "completions"))
}

func podReadiness(object map[string]any) readiness {
	switch phase := stringAt(object, "status", "phase"); phase {
	case "Succeeded":
		return isReady()
	case "Failed":
		return hasFailed("%s", strings.TrimSpace(stringAt(object, "status", "reason")+" "+stringAt(object, "status", "message")))
	default:
		if status, _, message := condition(object, "Ready"); status != "True" {
			return isWaiting("the Pod is %s and not ready %s", phase, message)
		}
	}
	return isReady()
}

func claimReadiness(object map[string]any) readiness {
	switch phase := stringAt(object, "status", "phase"); phase {
	case "Bound":
		return isReady()
	case "Lost":
		return hasFailed("the volume %s of the claim is lost", stringAt(object, "spec", "volumeName"))
	}
	return isWaiting("no PersistentVolume is bound to the claim (storage class %q)", stringAt(object, "spec", "storageClassName"))
}

func volumeReadiness(object map[string]any) readiness {
	switch phase := stringAt(object, "status", "phase"); phase {
	case "Available", "Bound", "Released":
		return isReady()
	case "Failed":
		return hasFailed("%s", stringAt(object, "status", "message"))
	}
	return isWaiting("the volume is not available yet")
}

func serviceReadiness(object map[string]any) readiness {
	if stringAt(object, "spec", "type") != "LoadBalancer" {
		return isReady()
	}
	for _, ingress := range listAt(object, "status", "loadBalancer", "ingress") {
		if stringAt(ingress, "ip") != "" || stringAt(ingress, "hostname") != "" {
			return isReady()
		}
	}
	return isWaiting("no load balancer has given the Service an address; check that one is installed and has addresses left")
}

func namespaceReadiness(object map[string]any) readiness {
	if phase := stringAt(object, "status", "phase"); phase != "Active" {
		return isWaiting("the namespace is %s", phase)
	}
	return isReady()
}

// quotaReadiness waits until admission enforces the quota: it reads the limits from the status.
func quotaReadiness(object map[string]any) readiness {
	wanted, _ := at(object, "spec", "hard").(map[string]any)
	for name, limit := range wanted {
		enforced := at(object, "status", "hard", name)
		if enforced == nil || !sameQuantity(limit, enforced) {
			return isWaiting("the quota for %s is not enforced yet", name)
		}
	}
	return isReady()
}

func definitionReadiness(object map[string]any) readiness {
	if status, _, message := condition(object, "NamesAccepted"); status == "False" {
		return hasFailed("%s", message)
	}
	if status, _, message := condition(object, "Established"); status != "True" {
		return isWaiting("the definition is not established %s", message)
	}
	return isReady()
}
