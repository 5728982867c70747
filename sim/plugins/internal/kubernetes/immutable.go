package kubernetes

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"inference-stack/sim/plugins/internal/properties"
)

// immutable is a part of an object that the API server refuses to change, so that the object must be replaced.
type immutable struct {
	path []string
	// except lists what may change below path; "*" stands for every element of a list.
	except [][]string
}

// Every rule is one of the API server's own validations of updates.
var immutableParts = map[schema.GroupKind][]immutable{
	{Group: "apps", Kind: "Deployment"}: {{path: []string{"spec", "selector"}}},
	{Group: "apps", Kind: "DaemonSet"}:  {{path: []string{"spec", "selector"}}},
	{Group: "apps", Kind: "ReplicaSet"}: {{path: []string{"spec", "selector"}}},
	{Group: "apps", Kind: "StatefulSet"}: {
		{path: []string{"spec", "selector"}},
		{path: []string{"spec", "serviceName"}},
		{path: []string{"spec", "podManagementPolicy"}},
		{path: []string{"spec", "volumeClaimTemplates"}},
	},
	{Group: "batch", Kind: "Job"}: {
		{path: []string{"spec", "completions"}},
		{path: []string{"spec", "completionMode"}},
		{path: []string{"spec", "selector"}},
		{path: []string{"spec", "template"}},
	},
	{Group: "", Kind: "Pod"}: {{
		path: []string{"spec"},
		except: [][]string{
			{"containers", "*", "image"}, {"initContainers", "*", "image"}, {"activeDeadlineSeconds"}, {"tolerations"},
			{"schedulingGates"},
		},
	}},
	{Group: "", Kind: "Service"}: {{path: []string{"spec", "clusterIP"}}},
	{Group: "", Kind: "PersistentVolume"}: {{
		path: []string{"spec"},
		except: [][]string{
			{"accessModes"}, {"capacity"}, {"claimRef"}, {"mountOptions"}, {"nodeAffinity"},
			{"persistentVolumeReclaimPolicy"}, {"storageClassName"}, {"volumeAttributesClassName"},
		},
	}},
	{Group: "", Kind: "PersistentVolumeClaim"}: {{
		path: []string{"spec"}, except: [][]string{{"resources"}, {"volumeAttributesClassName"}},
	}},
	{Group: "", Kind: "ResourceQuota"}:                               {{path: []string{"spec", "scopes"}}, {path: []string{"spec", "scopeSelector"}}},
	{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:        {{path: []string{"roleRef"}}},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: {{path: []string{"roleRef"}}},
	{Group: "scheduling.k8s.io", Kind: "PriorityClass"}:              {{path: []string{"value"}}, {path: []string{"preemptionPolicy"}}},
	{Group: "storage.k8s.io", Kind: "StorageClass"}: {
		{path: []string{"parameters"}},
		{path: []string{"provisioner"}},
		{path: []string{"reclaimPolicy"}},
		{path: []string{"volumeBindingMode"}},
	},
}

// replacedParts lists the rules for an object. ConfigMaps and Secrets are replaced like the official provider does:
// always, so that pods which mount them by name notice, unless the provider's settings make them mutable.
func (s settings) replacedParts(kind schema.GroupVersionKind, olds map[string]any) []immutable {
	rules := []immutable{{path: []string{"metadata", "name"}}, {path: []string{"metadata", "namespace"}}}
	frozen := boolAt(olds, "immutable")
	switch kind.GroupKind() {
	case schema.GroupKind{Kind: "ConfigMap"}:
		if frozen || !s.configMapsMutable {
			rules = append(rules, immutable{path: []string{"data"}}, immutable{path: []string{"binaryData"}})
		}
	case schema.GroupKind{Kind: "Secret"}:
		rules = append(rules, immutable{path: []string{"type"}})
		if frozen || !s.secretsMutable {
			rules = append(rules, immutable{path: []string{"data"}}, immutable{path: []string{"stringData"}})
		}
	default:
		return append(rules, immutableParts[kind.GroupKind()]...)
	}
	if frozen {
		rules = append(rules, immutable{path: []string{"immutable"}})
	}
	return rules
}

// differs tells whether the part is not the same in both objects.
func (i immutable) differs(olds, news map[string]any) bool {
	if isUnknown(news[i.path[0]]) && len(i.path) > 1 && i.path[0] == "metadata" {
		// Objects cannot outlive their namespace, nor keep a name that changes.
		return true
	}
	before, after := at(olds, i.path...), at(news, i.path...)
	if isUnknown(after) && len(i.except) > 0 || i.path[0] == "spec" && isUnknown(news["spec"]) {
		// The engine asks with a whole property unknown whether a resource must follow one that it depends on and that
		// is replaced. A reference somewhere in a spec is no reason to delete it.
		return false
	}
	for _, mutable := range i.except {
		before, after = without(before, mutable), without(after, mutable)
	}
	return !reflect.DeepEqual(before, after)
}

func isUnknown(value any) bool {
	_, unknown := value.(properties.Unknown)
	return unknown
}

// without is a copy of value that lacks what path leads to.
func without(value any, path []string) any {
	switch typed := value.(type) {
	case map[string]any:
		reduced := make(map[string]any, len(typed))
		for key, element := range typed {
			switch {
			case key != path[0]:
				reduced[key] = element
			case len(path) > 1:
				reduced[key] = without(element, path[1:])
			}
		}
		return reduced
	case []any:
		if path[0] != "*" {
			return value
		}
		reduced := make([]any, len(typed))
		for i, element := range typed {
			reduced[i] = without(element, path[1:])
		}
		return reduced
	}
	return value
}
