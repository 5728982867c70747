package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"inference-stack/sim/plugins/internal/properties"
)

const releaseToken = tokens.Type("kubernetes:helm.sh/v3:Release")

// The SDK's own resource types that are no Kubernetes objects.
var unsupportedModules = []string{"helm.sh/", "yaml", "kustomize"}

// kindOf is the API version and kind of a resource: what its inputs say, else what its type token says, as for a
// resource that is only read.
func kindOf(token tokens.Type, inputs resource.PropertyMap) (schema.GroupVersionKind, error) {
	parts := strings.Split(string(token), ":")
	if len(parts) != 3 {
		return schema.GroupVersionKind{}, fmt.Errorf("%q is not a Kubernetes resource type", token)
	}
	for _, module := range unsupportedModules {
		if strings.HasPrefix(parts[1], module) {
			return schema.GroupVersionKind{}, fmt.Errorf("%s needs the official plugin", token)
		}
	}
	apiVersion, kind := properties.String(inputs, "apiVersion"), properties.String(inputs, "kind")
	if apiVersion == "" {
		apiVersion = strings.TrimPrefix(parts[1], "core/")
	}
	if kind == "" {
		kind = parts[2]
	}
	groupVersion, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("apiVersion %q is not of the form group/version: %w", apiVersion, err)
	}
	if builtInGroups[groupVersion.Group] {
		if strings.HasSuffix(parts[2], "Patch") {
			return schema.GroupVersionKind{}, fmt.Errorf("%s: Patch resources need the official plugin", token)
		}
		if strings.HasSuffix(kind, "List") {
			return schema.GroupVersionKind{}, fmt.Errorf("%s: declare the objects of the list one by one", token)
		}
	}
	return groupVersion.WithKind(kind), nil
}

// builtInGroups are the API groups of Kubernetes itself.
var builtInGroups = map[string]bool{
	"": true, "apps": true, "autoscaling": true, "batch": true, "policy": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true,
	"certificates.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "networking.k8s.io": true, "node.k8s.io": true,
	"rbac.authorization.k8s.io": true, "resource.k8s.io": true, "scheduling.k8s.io": true, "storage.k8s.io": true,
}

// clusterScopedKinds are the kinds of those groups whose objects live outside namespaces.
var clusterScopedKinds = map[string][]string{
	"": {"Namespace", "Node", "PersistentVolume"},
	"admissionregistration.k8s.io": {
		"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
		"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
	},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "DeviceTaintRule", "ResourceSlice"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
}

// knownScope tells whether objects of a built-in kind live in a namespace, without asking the API server. The scope
// of any other kind is not known here.
func knownScope(kind schema.GroupVersionKind) (namespaced, known bool) {
	return !slices.Contains(clusterScopedKinds[kind.Group], kind.Kind), builtInGroups[kind.Group]
}
