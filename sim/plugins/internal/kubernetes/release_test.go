package kubernetes

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"inference-stack/sim/plugins/internal/properties"
)

const releaseURN = "urn:pulumi:dev::p::kubernetes:helm.sh/v3:Release::web"

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestChartDigestFollowsTheContent(t *testing.T) {
	chart := t.TempDir()
	writeFile(t, filepath.Join(chart, "Chart.yaml"), "name: c", 0o600)
	digest := func() string {
		found, err := chartDigest(chart, "")
		if err != nil || found == "" {
			t.Fatalf("digest %q, error %v", found, err)
		}
		return found
	}
	before := digest()
	if digest() != before {
		t.Error("the digest of an unchanged chart changed")
	}
	writeFile(t, filepath.Join(chart, "values.yaml"), "a: 1", 0o600)
	if digest() == before {
		t.Error("the digest does not see a new file")
	}
	before = digest()
	shared := t.TempDir()
	if err := os.Symlink(shared, filepath.Join(chart, "templates")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(shared, "service.yaml"), "kind: Service", 0o600)
	if digest() == before {
		t.Error("the digest does not see a file behind a symbolic link")
	}
	for _, remote := range []struct{ chart, repository string }{{"oci://registry/chart", ""}, {chart, "https://charts"}} {
		if found, err := chartDigest(remote.chart, remote.repository); found != "" || err != nil {
			t.Errorf("%v: digest %q, error %v, want none", remote, found, err)
		}
	}
}

func TestChartDirectoryWithoutChartIsRefused(t *testing.T) {
	directory := t.TempDir()
	if _, err := chartDigest(directory, ""); err == nil || !strings.Contains(err.Error(), "Chart.yaml") {
		t.Errorf("error = %v, want one that names Chart.yaml", err)
	}
}

func TestRecord(t *testing.T) {
	const payload = `{"name": "web", "namespace": "team", "version": 2, "info": {"status": "pending-upgrade"},
		"chart": {"metadata": {"name": "c", "version": "1.2.3", "appVersion": "9"}}, "config": {"a": 1},
		"manifest": "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"}`
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	if _, err := writer.Write([]byte(payload)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	helmEncoded := base64.StdEncoding.EncodeToString(compressed.Bytes())
	found, err := decodeRecord(base64.StdEncoding.EncodeToString([]byte(helmEncoded)))
	if err != nil {
		t.Fatal(err)
	}
	if found.Version != 2 || found.Info.Status != "pending-upgrade" || found.Chart.Metadata.Version != "1.2.3" {
		t.Errorf("record = %+v", found)
	}
	want := map[string]any{
		"Deployment.apps/apps/v1": []any{"team/web"},
		"ClusterRole.rbac.authorization.k8s.io/rbac.authorization.k8s.io/v1": []any{"r"},
	}
	if names := found.resourceNames(); !reflect.DeepEqual(names, want) {
		t.Errorf("resource names = %v, want %v", names, want)
	}
}

// A stand-in for helm writes down how it was called.
func recordingHelm(t *testing.T) (directory string) {
	t.Helper()
	directory = t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ndirectory=%s\nprintf '%%s\\n' \"$@\" >> $directory/arguments\ncat >> $directory/input\n"+
		"for argument; do case $argument in */kubeconfig) stat -c %%a $argument > $directory/mode; dirname $argument > $directory/private;; esac; done\n"+
		"[ ! -f $directory/fail ] || { cat $directory/fail >&2; exit 1; }\n", directory)
	writeFile(t, filepath.Join(directory, "helm"), script, 0o700)
	t.Setenv(environmentHelm, filepath.Join(directory, "helm"))
	return directory
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestHelmGetsSecretsByFilesAndInputOnly(t *testing.T) {
	directory := recordingHelm(t)
	provider := NewProvider(context.Background())
	provider.settings.kubeconfig = kubeconfig("https://here:6443")
	inputs := fromYAML(t, `{name: web, namespace: team, chart: c, version: 1.2.3, createNamespace: true, skipCrds: true,
		timeout: 90, repositoryOpts: {repo: "https://charts.example.com", username: me}}`)
	properties.Object(inputs, "repositoryOpts")["password"] = resource.MakeSecret(resource.NewStringProperty("repository-secret"))
	inputs["values"] = resource.NewObjectProperty(resource.PropertyMap{
		"token": resource.MakeSecret(resource.NewStringProperty(password)), "replicas": resource.NewNumberProperty(2),
	})
	operation := provider.releases.newReleaseOperation(releaseURN, inputs, nil)
	err := provider.withHelm(func(prepared helm) error { return prepared.upgrade(context.Background(), operation) })
	if err != nil {
		t.Fatal(err)
	}
	arguments, input := read(t, directory, "arguments"), read(t, directory, "input")
	for _, secret := range []string{password, "repository-secret", "not-shown"} {
		if strings.Contains(arguments, secret) {
			t.Errorf("the command line shows %q:\n%s", secret, arguments)
		}
	}
	for _, wanted := range []string{
		"upgrade\nweb\n--install", "--wait\n", "--create-namespace\n", "--skip-crds\n", "--timeout\n1m30s", "--version\n1.2.3",
		"release/c\n", "--password-stdin\n", "--namespace\nteam",
	} {
		if !strings.Contains(arguments, wanted) {
			t.Errorf("%q is not in the command lines:\n%s", wanted, arguments)
		}
	}
	if want := `repository-secret{"replicas":2,"token":"` + password + `"}`; input != want {
		t.Errorf("input = %q, want %q", input, want)
	}
	if mode := strings.TrimSpace(read(t, directory, "mode")); mode != "600" {
		t.Errorf("the kubeconfig's mode is %s, want 600", mode)
	}
	if _, err := os.Stat(strings.TrimSpace(read(t, directory, "private"))); !os.IsNotExist(err) {
		t.Errorf("the private directory is still there: %v", err)
	}
}

func TestHelmErrorsHideSecrets(t *testing.T) {
	directory := recordingHelm(t)
	writeFile(t, filepath.Join(directory, "fail"), "Error: UPGRADE FAILED: bad value "+password, 0o600)
	provider := NewProvider(context.Background())
	provider.settings.kubeconfig = kubeconfig("https://here:6443")
	inputs := fromYAML(t, `{name: web, namespace: team, chart: c, skipAwait: true}`)
	inputs["values"] = resource.MakeSecret(resource.NewObjectProperty(resource.PropertyMap{
		"token": resource.NewStringProperty(password),
	}))
	operation := provider.releases.newReleaseOperation(releaseURN, inputs, nil)
	err := provider.withHelm(func(prepared helm) error { return prepared.upgrade(context.Background(), operation) })
	if err == nil {
		t.Fatal("the failure of helm was lost")
	}
	if shown := operation.fail("installing", err).Error(); strings.Contains(shown, password) || !strings.Contains(shown, "UPGRADE FAILED") {
		t.Errorf("error = %s", shown)
	}
	if strings.Contains(read(t, directory, "arguments"), "--wait\n") {
		t.Error("skipAwait did not turn waiting off")
	}
}

func TestReleaseDrift(t *testing.T) {
	inputs := fromYAML(t, `{name: web, namespace: team, chart: c, version: v1.2.3, values: {a: 1}}`)
	live := &record{Name: "web", Namespace: "team", Config: map[string]any{"a": float64(1)}}
	live.Chart.Metadata.Version = "1.2.3"
	if drifted := driftedRelease(inputs, live); !drifted.DeepEquals(inputs) {
		t.Errorf("drift where there is none: %v", drifted)
	}
	live.Config["a"], live.Chart.Metadata.Version = float64(2), "1.3.0"
	drifted := driftedRelease(inputs, live)
	if properties.String(drifted, "version") != "1.3.0" || properties.Number(properties.Object(drifted, "values"), "a") != 2 {
		t.Errorf("drift not seen: %v", drifted)
	}
}
