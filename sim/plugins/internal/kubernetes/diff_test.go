package kubernetes

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"inference-stack/sim/plugins/internal/properties"
)

func fromYAML(t *testing.T, text string) resource.PropertyMap {
	t.Helper()
	var plain map[string]any
	if err := yaml.Unmarshal([]byte(text), &plain); err != nil {
		t.Fatal(err)
	}
	return properties.FromPlainMap(plain)
}

func TestDiff(t *testing.T) {
	deployment := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	core := func(kind string) schema.GroupVersionKind { return schema.GroupVersionKind{Version: "v1", Kind: kind} }
	job := schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
	class := schema.GroupVersionKind{Group: "storage.k8s.io", Version: "v1", Kind: "StorageClass"}
	cases := []struct {
		name       string
		kind       schema.GroupVersionKind
		settings   settings
		olds, news string
		want       map[string]pulumirpc.PropertyDiff_Kind
	}{
		{
			name: "equal inputs", kind: deployment,
			olds: `{metadata: {name: a}, spec: {replicas: 1}}`, news: `{metadata: {name: a}, spec: {replicas: 1}}`,
		},
		{
			name: "replicas update in place", kind: deployment,
			olds: `{metadata: {name: a}, spec: {replicas: 1}}`, news: `{metadata: {name: a}, spec: {replicas: 2}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"spec.replicas": pulumirpc.PropertyDiff_UPDATE},
		},
		{
			name: "an image in a list has its own path", kind: deployment,
			olds: `{metadata: {name: a}, spec: {template: {spec: {containers: [{name: c, image: x}]}}}}`,
			news: `{metadata: {name: a}, spec: {template: {spec: {containers: [{name: c, image: y}]}}}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{
				"spec.template.spec.containers[0].image": pulumirpc.PropertyDiff_UPDATE,
			},
		},
		{
			name: "another name replaces", kind: deployment,
			olds: `{metadata: {name: a}}`, news: `{metadata: {name: b}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"metadata.name": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "another namespace replaces", kind: core("Service"),
			olds: `{metadata: {name: a, namespace: x}}`, news: `{metadata: {name: a, namespace: y}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"metadata.namespace": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "a label does not replace", kind: deployment,
			olds: `{metadata: {name: a}}`, news: `{metadata: {name: a, labels: {app.kubernetes.io/name: x}}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"metadata.labels": pulumirpc.PropertyDiff_ADD},
		},
		{
			name: "a deployment's selector replaces", kind: deployment,
			olds: `{metadata: {name: a}, spec: {selector: {matchLabels: {app: x}}}}`,
			news: `{metadata: {name: a}, spec: {selector: {matchLabels: {app: y}}}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{
				"spec.selector.matchLabels.app": pulumirpc.PropertyDiff_UPDATE_REPLACE,
			},
		},
		{
			name: "a claim may grow", kind: core("PersistentVolumeClaim"),
			olds: `{metadata: {name: a}, spec: {storageClassName: s, resources: {requests: {storage: 1Gi}}}}`,
			news: `{metadata: {name: a}, spec: {storageClassName: s, resources: {requests: {storage: 2Gi}}}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"spec.resources.requests.storage": pulumirpc.PropertyDiff_UPDATE},
		},
		{
			name: "a claim's class replaces", kind: core("PersistentVolumeClaim"),
			olds: `{metadata: {name: a}, spec: {storageClassName: s}}`,
			news: `{metadata: {name: a}, spec: {storageClassName: t}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"spec.storageClassName": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "a volume's source replaces", kind: core("PersistentVolume"),
			olds: `{metadata: {name: a}, spec: {capacity: {storage: 1Gi}, hostPath: {path: /a}}}`,
			news: `{metadata: {name: a}, spec: {capacity: {storage: 1Gi}, hostPath: {path: /b}}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"spec.hostPath.path": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "a service's cluster address replaces", kind: core("Service"),
			olds: `{metadata: {name: a}, spec: {type: ClusterIP}}`,
			news: `{metadata: {name: a}, spec: {type: ClusterIP, clusterIP: None}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"spec.clusterIP": pulumirpc.PropertyDiff_ADD_REPLACE},
		},
		{
			name: "a job's template replaces", kind: job,
			olds: `{metadata: {name: a}, spec: {template: {spec: {restartPolicy: Never}}}}`,
			news: `{metadata: {name: a}, spec: {template: {spec: {restartPolicy: OnFailure}}}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{
				"spec.template.spec.restartPolicy": pulumirpc.PropertyDiff_UPDATE_REPLACE,
			},
		},
		{
			name: "a pod's image does not replace", kind: core("Pod"),
			olds: `{metadata: {name: a}, spec: {containers: [{name: c, image: x}]}}`,
			news: `{metadata: {name: a}, spec: {containers: [{name: c, image: y}]}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"spec.containers[0].image": pulumirpc.PropertyDiff_UPDATE},
		},
		{
			name: "a class's binding mode replaces", kind: class,
			olds: `{metadata: {name: a}, volumeBindingMode: Immediate}`,
			news: `{metadata: {name: a}, volumeBindingMode: WaitForFirstConsumer}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"volumeBindingMode": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "a config map's data replaces", kind: core("ConfigMap"),
			olds: `{metadata: {name: a}, data: {k: v}}`, news: `{metadata: {name: a}, data: {k: w}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"data.k": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "a mutable config map's data does not", kind: core("ConfigMap"),
			settings: settings{configMapsMutable: true},
			olds:     `{metadata: {name: a}, data: {k: v}}`, news: `{metadata: {name: a}, data: {k: w}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"data.k": pulumirpc.PropertyDiff_UPDATE},
		},
		{
			name: "an immutable config map's data replaces all the same", kind: core("ConfigMap"),
			settings: settings{configMapsMutable: true},
			olds:     `{metadata: {name: a}, immutable: true, data: {k: v}}`,
			news:     `{metadata: {name: a}, immutable: true, data: {k: w}}`,
			want:     map[string]pulumirpc.PropertyDiff_Kind{"data.k": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
		{
			name: "a secret's text replaces", kind: core("Secret"),
			olds: `{metadata: {name: a}, stringData: {k: v}}`, news: `{metadata: {name: a}, stringData: {k: w}}`,
			want: map[string]pulumirpc.PropertyDiff_Kind{"stringData.k": pulumirpc.PropertyDiff_UPDATE_REPLACE},
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			response := diffInputs(test.settings, test.kind, fromYAML(t, test.olds), fromYAML(t, test.news))
			if changed := response.Changes == pulumirpc.DiffResponse_DIFF_SOME; changed != (len(test.want) > 0) {
				t.Fatalf("changes = %v, want %d changed properties", response.Changes, len(test.want))
			}
			if len(response.DetailedDiff) != len(test.want) {
				t.Fatalf("detailed diff = %v, want %v", response.DetailedDiff, test.want)
			}
			for path, kind := range test.want {
				if found := response.DetailedDiff[path]; found == nil || found.Kind != kind {
					t.Errorf("%s = %v, want %v", path, found, kind)
				}
				replaces := kind == pulumirpc.PropertyDiff_UPDATE_REPLACE || kind == pulumirpc.PropertyDiff_ADD_REPLACE
				if (len(response.Replaces) > 0) != replaces {
					t.Errorf("replaces = %v, want a replacement: %v", response.Replaces, replaces)
				}
			}
		})
	}
}

func TestDeleteBeforeReplace(t *testing.T) {
	configMap := schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	autonamed := `annotations: {pulumi.com/autonamed: "true"}`
	cases := []struct {
		name, olds, news string
		want             bool
	}{
		{"a fixed name", `{metadata: {name: a}, data: {k: v}}`, `{metadata: {name: a}, data: {k: w}}`, true},
		{"a new name", `{metadata: {name: a}}`, `{metadata: {name: b}}`, false},
		{"a new namespace", `{metadata: {name: a, namespace: x}}`, `{metadata: {name: a, namespace: y}}`, false},
		{
			"a given name", `{metadata: {name: a-1, ` + autonamed + `}, data: {k: v}}`,
			`{metadata: {name: a-1, ` + autonamed + `}, data: {k: w}}`, false,
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			response := diffInputs(settings{}, configMap, fromYAML(t, test.olds), fromYAML(t, test.news))
			if response.DeleteBeforeReplace != test.want {
				t.Errorf("deleteBeforeReplace = %v, want %v", response.DeleteBeforeReplace, test.want)
			}
		})
	}
}

// The engine marks whole properties unknown to ask which resources must follow one that is replaced.
func TestDiffOfUnknownProperties(t *testing.T) {
	unknown := resource.MakeComputed(resource.NewStringProperty(""))
	olds := fromYAML(t, `{metadata: {name: a, namespace: x}, spec: {selector: {matchLabels: {app: x}}, storageClassName: s}}`)
	cases := []struct {
		name, property string
		kind           schema.GroupVersionKind
		want           bool
	}{
		{"a reference in a deployment's spec", "spec", schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, false},
		{"a reference in a claim's spec", "spec", schema.GroupVersionKind{Version: "v1", Kind: "PersistentVolumeClaim"}, false},
		{"the namespace", "metadata", schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, true},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			news := olds.Copy()
			news[resource.PropertyKey(test.property)] = unknown
			response := diffInputs(settings{}, test.kind, olds, news)
			if replaces := slices.Contains(response.Replaces, test.property); replaces != test.want {
				t.Errorf("replaces = %v, want %v", response.Replaces, test.want)
			}
		})
	}
}
