package kubernetes

import (
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestProject(t *testing.T) {
	cases := []struct{ name, wanted, live, want string }{
		{"what others add is no drift", `{spec: {a: 1}}`, `{spec: {a: 1, b: 2}, status: {x: 1}}`, `{spec: {a: 1}}`},
		{"a changed value", `{spec: {replicas: 3}}`, `{spec: {replicas: 1}}`, `{spec: {replicas: 1}}`},
		{"a removed value", `{metadata: {labels: {a: x, b: y}}}`, `{metadata: {labels: {a: x}}}`, `{metadata: {labels: {a: x}}}`},
		{"quantities of equal size", `{limits: {cpu: 1000m, memory: 1024Mi}}`, `{limits: {cpu: "1", memory: 1Gi}}`,
			`{limits: {cpu: 1000m, memory: 1024Mi}}`},
		{"numbers written as text", `{port: "8000", gpu: 8}`, `{port: 8000, gpu: "8"}`, `{port: "8000", gpu: 8}`},
		{"empty values that the server drops", `{a: "", b: [], c: {d: false}, e: 0}`, `{}`, `{a: "", b: [], c: {d: false}, e: 0}`},
		{"list elements found by name", `{c: [{name: a, image: x}, {name: b, image: y}]}`,
			`{c: [{name: z, image: q}, {name: b, image: drifted}, {name: a, image: x}]}`,
			`{c: [{name: a, image: x}, {name: b, image: drifted}]}`},
		{"list elements by place", `{args: [a, b]}`, `{args: [a, c]}`, `{args: [a, c]}`},
		{"a longer list without keys", `{args: [a]}`, `{args: [a, c]}`, `{args: [a, c]}`},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			wanted, live, want := object(t, "{kind: K, "+test.wanted[1:]).Object, object(t, "{kind: K, "+test.live[1:]).Object,
				object(t, "{kind: K, "+test.want[1:]).Object
			if projected := project(wanted, live); !reflect.DeepEqual(projected, want) {
				text, _ := yaml.Marshal(projected)
				t.Errorf("projected:\n%s", text)
			}
		})
	}
}

func TestImportedInputs(t *testing.T) {
	live := object(t, `{apiVersion: v1, kind: ConfigMap, data: {a: b}, status: {}, metadata: {name: x, namespace: y,
		uid: u, resourceVersion: "1", creationTimestamp: now, managedFields: []}}`)
	want := object(t, `{apiVersion: v1, kind: ConfigMap, data: {a: b}, metadata: {name: x, namespace: y}}`).Object
	if imported := importedInputs(live); !reflect.DeepEqual(imported, want) {
		t.Errorf("imported = %v, want %v", imported, want)
	}
}
