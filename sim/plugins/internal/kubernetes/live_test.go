package kubernetes

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

// live is a provider connected to the API server of KUBECONFIG.
type live struct {
	*testing.T
	provider *Provider
}

func newLive(t *testing.T) live {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("this test needs an API server: set KUBECONFIG to one that may be written to")
	}
	return live{t, NewProvider(context.Background())}
}

func (l live) marshal(text string) *structpb.Struct {
	l.Helper()
	marshalled, err := host.Marshal(fromYAML(l.T, text))
	if err != nil {
		l.Fatal(err)
	}
	return marshalled
}

func (l live) urn(token string) string { return "urn:pulumi:dev::p::" + token + "::" + l.Name() }

func (l live) remove(urn, id string, inputs *structpb.Struct) {
	l.Helper()
	_, err := l.provider.Delete(context.Background(), &pulumirpc.DeleteRequest{Urn: urn, Id: id, OldInputs: inputs, Timeout: 30})
	if err != nil {
		l.Error(err)
	}
}

func TestLifeOfAnObjectNeedsKUBECONFIG(t *testing.T) {
	l, ctx := newLive(t), context.Background()
	name := fmt.Sprintf("plugins-test-%d", time.Now().UnixNano())
	urn := l.urn("kubernetes:core/v1:ConfigMap")
	template := `{apiVersion: v1, kind: ConfigMap, metadata: {name: ` + name + `, namespace: default}, data: %s}`
	inputs := l.marshal(fmt.Sprintf(template, `{a: "1", b: "2"}`))
	created, err := l.provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: inputs})
	if err != nil {
		t.Fatal(err)
	}
	defer l.remove(urn, created.Id, inputs)
	if created.Id != "default/"+name {
		t.Errorf("id = %q", created.Id)
	}

	_, err = NewProvider(ctx).Create(ctx, &pulumirpc.CreateRequest{Urn: urn + "-other", Properties: inputs})
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("another resource took the object over: error %v", err)
	}
	next := live{t, NewProvider(ctx)}
	if _, err := next.provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: inputs}); err != nil {
		t.Errorf("an interrupted create does not go on: %v", err)
	}
	// A forced replacement looks the same to the provider, but deletes the old half afterwards.
	next.remove(urn, created.Id, inputs)
	seen, err := l.provider.Read(ctx, &pulumirpc.ReadRequest{Id: created.Id, Urn: urn})
	if err != nil || seen.Id == "" {
		t.Fatalf("the object went with its old half: error %v", err)
	}
	l.provider.known.Store(urn, true)
	if _, err := l.provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: inputs}); err == nil {
		t.Error("the new half of a replacement took over the old half")
	}

	changed := l.marshal(fmt.Sprintf(template, `{a: "3"}`))
	updated, err := l.provider.Update(ctx, &pulumirpc.UpdateRequest{
		Id: created.Id, Urn: urn, Olds: created.Properties, OldInputs: inputs, News: changed,
	})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := host.Unmarshal(updated.Properties)
	if err != nil {
		t.Fatal(err)
	}
	if data := properties.PlainMap(properties.Object(outputs, "data")); len(data) != 1 || data["a"] != "3" {
		t.Errorf("data = %v, want only a: 3", data)
	}
	l.checkDrift(urn, created.Id, changed, updated.Properties)
}

// checkDrift changes the object behind the provider's back, and has it read and repaired.
func (l live) checkDrift(urn, id string, inputs, outputs *structpb.Struct) {
	l.Helper()
	ctx := context.Background()
	connected, err := l.provider.cluster()
	if err != nil {
		l.Fatal(err)
	}
	_, name, _ := strings.Cut(id, "/")
	configMaps := mapping{resource: podMapping.resource.GroupVersion().WithResource("configmaps"), namespaced: true}
	_, err = connected.objects(configMaps, "default").Patch(ctx, name, types.MergePatchType,
		[]byte(`{"data": {"a": "drifted", "other": "not ours"}}`), metav1.PatchOptions{FieldManager: "somebody"})
	if err != nil {
		l.Fatal(err)
	}
	seen, err := l.provider.Read(ctx, &pulumirpc.ReadRequest{Id: id, Urn: urn, Inputs: inputs, Properties: outputs})
	if err != nil {
		l.Fatal(err)
	}
	found, err := host.Unmarshal(seen.Inputs)
	if err != nil {
		l.Fatal(err)
	}
	if data := properties.PlainMap(properties.Object(found, "data")); len(data) != 1 || data["a"] != "drifted" {
		l.Errorf("read data = %v, want only a: drifted", data)
	}
	_, err = l.provider.Update(ctx, &pulumirpc.UpdateRequest{Id: id, Urn: urn, Olds: seen.Properties, News: inputs})
	if err != nil {
		l.Errorf("the drift cannot be repaired: %v", err)
	}
}

func TestReadOfNothingNeedsKUBECONFIG(t *testing.T) {
	l := newLive(t)
	for _, token := range []string{"kubernetes:core/v1:ConfigMap", "kubernetes:no.such.group/v1:Thing"} {
		response, err := l.provider.Read(context.Background(), &pulumirpc.ReadRequest{Id: "default/not-there", Urn: l.urn(token)})
		if err != nil || response.Id != "" {
			t.Errorf("%s: response %v, error %v, want an empty id", token, response, err)
		}
		l.remove(l.urn(token), "default/not-there", nil)
	}
}

func TestUnschedulablePodsNeedsKUBECONFIG(t *testing.T) {
	l := newLive(t)
	name := fmt.Sprintf("plugins-test-%d", time.Now().UnixNano())
	urn := l.urn("kubernetes:apps/v1:Deployment")
	inputs := l.marshal(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: ` + name + `, namespace: default}, spec: {
		replicas: 2, selector: {matchLabels: {app: ` + name + `}}, template: {metadata: {labels: {app: ` + name + `}},
		spec: {containers: [{name: c, image: i, resources: {limits: {example.com/none: "1"}}}]}}}}`)
	_, err := l.provider.Create(context.Background(), &pulumirpc.CreateRequest{Urn: urn, Properties: inputs, Timeout: 5})
	defer l.remove(urn, "default/"+name, inputs)
	if err == nil || !strings.Contains(err.Error(), "2 of 2 Pods unschedulable") || !strings.Contains(err.Error(), "Insufficient example.com/none") {
		t.Errorf("error = %v, want the scheduler's words", err)
	}
	kept := false
	for _, detail := range status.Convert(err).Details() {
		partial, isPartial := detail.(*pulumirpc.ErrorResourceInitFailed)
		kept = kept || isPartial && partial.Id == "default/"+name
	}
	if !kept {
		t.Errorf("the engine would forget the object: %v", err)
	}
}

func TestFinalizersThatHoldAnObjectAreNamedNeedsKUBECONFIG(t *testing.T) {
	l, ctx := newLive(t), context.Background()
	name := fmt.Sprintf("plugins-test-%d", time.Now().UnixNano())
	urn := l.urn("kubernetes:core/v1:ConfigMap")
	inputs := l.marshal(`{apiVersion: v1, kind: ConfigMap, metadata: {name: ` + name + `, namespace: default, finalizers: [example.com/hold]}}`)
	created, err := l.provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: inputs})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.provider.Delete(ctx, &pulumirpc.DeleteRequest{Urn: urn, Id: created.Id, OldInputs: inputs, Timeout: 1})
	if err == nil || !strings.Contains(err.Error(), "example.com/hold") {
		t.Errorf("error = %v, want one that names the finalizer", err)
	}
	connected, err := l.provider.cluster()
	if err != nil {
		t.Fatal(err)
	}
	configMaps := mapping{resource: podMapping.resource.GroupVersion().WithResource("configmaps"), namespaced: true}
	_, err = connected.objects(configMaps, "default").Patch(ctx, name, types.MergePatchType,
		[]byte(`{"metadata": {"finalizers": null}}`), metav1.PatchOptions{})
	if err != nil {
		t.Error(err)
	}
}

func TestPreviewChangesNothingNeedsKUBECONFIG(t *testing.T) {
	l, ctx := newLive(t), context.Background()
	urn := l.urn("kubernetes:core/v1:Service")
	inputs := l.marshal(`{apiVersion: v1, kind: Service, metadata: {name: plugins-preview, namespace: default}, spec: {ports: [{port: 80}]}}`)
	planned, err := l.provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: inputs, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := host.Unmarshal(planned.Properties)
	if err != nil {
		t.Fatal(err)
	}
	if kind := properties.String(properties.Object(outputs, "spec"), "type"); kind != "ClusterIP" {
		t.Errorf("the API server's defaults are missing: type %q", kind)
	}
	if _, given := outputs["status"]; given {
		t.Error("the status of an object that does not exist is given")
	}
	seen, err := l.provider.Read(ctx, &pulumirpc.ReadRequest{Id: "default/plugins-preview", Urn: urn})
	if err != nil || seen.Id != "" {
		t.Errorf("the preview created %v, error %v", seen, err)
	}
	for _, unplannable := range []string{
		`{apiVersion: v1, kind: Service, metadata: {name: x, namespace: not-there}, spec: {ports: [{port: 80}]}}`,
		`{apiVersion: no.such.group/v1, kind: Thing, metadata: {name: x}}`,
	} {
		_, err := l.provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: l.marshal(unplannable), Preview: true})
		if err != nil {
			t.Errorf("%s: %v", unplannable, err)
		}
	}
}

func TestUnreachableClusterSaysWhatToDo(t *testing.T) {
	provider := NewProvider(context.Background())
	provider.settings = parseSettings(resource.PropertyMap{
		"kubeconfig": resource.NewStringProperty(kubeconfig("https://127.0.0.1:1")),
	})
	l := live{t, provider}
	inputs := l.marshal(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: default}}`)
	urn := l.urn("kubernetes:core/v1:ConfigMap")
	_, err := provider.Create(context.Background(), &pulumirpc.CreateRequest{Urn: urn, Properties: inputs})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1 cannot be reached") || !strings.Contains(err.Error(), "kubeconfig") {
		t.Errorf("error = %v", err)
	}
	if _, err := provider.Create(context.Background(), &pulumirpc.CreateRequest{Urn: urn, Properties: inputs, Preview: true}); err != nil {
		t.Errorf("a preview needs the cluster: %v", err)
	}
}

func TestPreviewNeedsNoKubeconfig(t *testing.T) {
	provider := NewProvider(context.Background())
	provider.settings.kubeconfig = "/no/such/file"
	l := live{t, provider}
	inputs := l.marshal(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: default}}`)
	request := &pulumirpc.CreateRequest{Urn: l.urn("kubernetes:core/v1:ConfigMap"), Properties: inputs, Preview: true}
	if _, err := provider.Create(context.Background(), request); err != nil {
		t.Errorf("the preview fails: %v", err)
	}
	request.Preview = false
	if _, err := provider.Create(context.Background(), request); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("error = %v, want one that names the file", err)
	}
}
