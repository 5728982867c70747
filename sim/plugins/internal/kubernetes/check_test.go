package kubernetes

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

const configMapURN = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::web"

func check(t *testing.T, request *pulumirpc.CheckRequest, olds, news string) (resource.PropertyMap, []string) {
	t.Helper()
	var err error
	if request.News, err = host.Marshal(fromYAML(t, news)); err != nil {
		t.Fatal(err)
	}
	if olds != "" {
		if request.Olds, err = host.Marshal(fromYAML(t, olds)); err != nil {
			t.Fatal(err)
		}
	}
	provider := NewProvider(context.Background())
	provider.settings.namespace = "team"
	response, err := provider.Check(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := host.Unmarshal(response.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	var failures []string
	for _, failure := range response.Failures {
		failures = append(failures, failure.Reason)
	}
	return inputs, failures
}

func nameIn(inputs resource.PropertyMap) string {
	return properties.String(properties.Object(inputs, "metadata"), "name")
}

func TestCheckNames(t *testing.T) {
	t.Run("a name is made from the resource's", func(t *testing.T) {
		inputs, _ := check(t, &pulumirpc.CheckRequest{Urn: configMapURN, RandomSeed: []byte("seed")}, "", `{kind: ConfigMap}`)
		if name := nameIn(inputs); !regexp.MustCompile(`^web-[0-9a-f]{8}$`).MatchString(name) {
			t.Errorf("name = %q, want web- and 8 hexadecimal digits", name)
		}
		if !isAutonamed(properties.Object(inputs, "metadata")) {
			t.Error("the object is not marked as autonamed")
		}
	})
	t.Run("a made name stays", func(t *testing.T) {
		olds := `{kind: ConfigMap, metadata: {name: web-01234567, annotations: {pulumi.com/autonamed: "true"}}}`
		inputs, _ := check(t, &pulumirpc.CheckRequest{Urn: configMapURN, RandomSeed: []byte("other")}, olds, `{kind: ConfigMap}`)
		if name := nameIn(inputs); name != "web-01234567" {
			t.Errorf("name = %q, want the old one", name)
		}
	})
	t.Run("a name that was fixed before is not taken for a made one", func(t *testing.T) {
		olds := `{kind: ConfigMap, metadata: {name: fixed}}`
		inputs, _ := check(t, &pulumirpc.CheckRequest{Urn: configMapURN, RandomSeed: []byte("seed")}, olds, `{kind: ConfigMap}`)
		if name := nameIn(inputs); name == "fixed" {
			t.Error("the old fixed name was kept")
		}
	})
	t.Run("a fixed name is left alone", func(t *testing.T) {
		inputs, _ := check(t, &pulumirpc.CheckRequest{Urn: configMapURN}, "", `{kind: ConfigMap, metadata: {name: mine}}`)
		if metadata := properties.Object(inputs, "metadata"); nameIn(inputs) != "mine" || isAutonamed(metadata) {
			t.Errorf("metadata = %v, want only the given name", metadata)
		}
	})
	t.Run("the engine's proposal is used", func(t *testing.T) {
		request := &pulumirpc.CheckRequest{Urn: configMapURN, Autonaming: &pulumirpc.CheckRequest_AutonamingOptions{
			ProposedName: "dev-web", Mode: pulumirpc.CheckRequest_AutonamingOptions_PROPOSE,
		}}
		if inputs, _ := check(t, request, "", `{kind: ConfigMap}`); nameIn(inputs) != "dev-web" {
			t.Errorf("name = %q, want the proposed one", nameIn(inputs))
		}
	})
	t.Run("without autonaming a name must be given", func(t *testing.T) {
		request := &pulumirpc.CheckRequest{Urn: configMapURN, Autonaming: &pulumirpc.CheckRequest_AutonamingOptions{
			Mode: pulumirpc.CheckRequest_AutonamingOptions_DISABLE,
		}}
		if _, failures := check(t, request, "", `{kind: ConfigMap}`); len(failures) != 1 {
			t.Errorf("failures = %v, want one", failures)
		}
	})
}

func TestCheckNamespaces(t *testing.T) {
	cases := []struct{ name, urn, olds, news, want string }{
		{"the provider's by default", configMapURN, "", `{kind: ConfigMap}`, "team"},
		{"the given one", configMapURN, "", `{kind: ConfigMap, metadata: {namespace: own}}`, "own"},
		{"none for a cluster-wide kind", "urn:pulumi:dev::p::kubernetes:core/v1:Namespace::n", "", `{kind: Namespace}`, ""},
		{
			"none for a cluster-wide kind that has one", "urn:pulumi:dev::p::kubernetes:core/v1:PersistentVolume::n", "",
			`{kind: PersistentVolume, metadata: {name: v, namespace: team}}`, "",
		},
		{
			"as before for a custom kind in a namespace", "urn:pulumi:dev::p::kubernetes:example.com/v1:Widget::w",
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: team}}`,
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}`, "team",
		},
		{
			"as before for a custom kind outside", "urn:pulumi:dev::p::kubernetes:example.com/v1:Widget::w",
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}`,
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}`, "",
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			request := &pulumirpc.CheckRequest{Urn: test.urn, RandomSeed: []byte("seed")}
			inputs, failures := check(t, request, test.olds, test.news)
			if namespace := properties.String(properties.Object(inputs, "metadata"), "namespace"); namespace != test.want {
				t.Errorf("namespace = %q, want %q (failures %v)", namespace, test.want, failures)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, token := range []string{
		"kubernetes:core/v1:ConfigMapPatch", "kubernetes:core/v1:ConfigMapList", "kubernetes:yaml/v2:ConfigGroup",
		"kubernetes:helm.sh/v4:Chart",
	} {
		_, failures := check(t, &pulumirpc.CheckRequest{Urn: "urn:pulumi:dev::p::" + token + "::x"}, "", `{}`)
		if len(failures) != 1 {
			t.Errorf("%s: failures = %v, want one", token, failures)
		}
	}
	_, failures := check(t, &pulumirpc.CheckRequest{Urn: "urn:pulumi:dev::p::kubernetes:helm.sh/v3:Release::r"}, "",
		`{chart: ./no-such-chart}`)
	if len(failures) != 1 || !strings.Contains(failures[0], "./no-such-chart") {
		t.Errorf("failures = %v, want one that names the chart", failures)
	}
}
