package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func kubeconfig(server string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: team}}
clusters:
- {name: c, cluster: {server: "%s"}}
users:
- {name: u, user: {token: not-shown}}
`, server)
}

func TestReplacesCluster(t *testing.T) {
	here, there := kubeconfig("https://here:6443"), kubeconfig("https://there:6443")
	renewed := strings.Replace(here, "not-shown", "renewed", 1)
	cases := []struct {
		name       string
		olds, news settings
		want       []string
	}{
		{"the same", settings{kubeconfig: here}, settings{kubeconfig: here}, nil},
		{"renewed credentials", settings{kubeconfig: here}, settings{kubeconfig: renewed}, nil},
		{"another server", settings{kubeconfig: here}, settings{kubeconfig: there}, []string{"kubeconfig"}},
		{"another server under one identifier", settings{kubeconfig: here, clusterIdentifier: "a"},
			settings{kubeconfig: there, clusterIdentifier: "a"}, nil},
		{"an identifier given later", settings{kubeconfig: here}, settings{kubeconfig: here, clusterIdentifier: "a"}, nil},
		{"another identifier", settings{clusterIdentifier: "a"}, settings{clusterIdentifier: "b"}, []string{"clusterIdentifier"}},
		{"a kubeconfig that is gone", settings{kubeconfig: "/no/such/file"}, settings{kubeconfig: here}, nil},
		{"a kubeconfig not known yet", settings{kubeconfig: here}, settings{unknown: true}, nil},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			if replaced := replacesCluster(test.olds, test.news); !reflect.DeepEqual(replaced, test.want) {
				t.Errorf("replaces = %v, want %v", replaced, test.want)
			}
		})
	}
}

func TestKubeconfigFromContentsAndFromPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(kubeconfig("https://here:6443")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{path, kubeconfig("https://here:6443")} {
		connected, err := newCluster(settings{kubeconfig: given})
		if err != nil {
			t.Fatal(err)
		}
		if connected.server != "https://here:6443" || connected.namespace != "team" {
			t.Errorf("cluster = %s, namespace %s", connected.server, connected.namespace)
		}
	}
}

func TestKubeconfigErrors(t *testing.T) {
	_, err := newCluster(settings{kubeconfig: "/no/such/file"})
	if err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("error = %v, want one that names the file", err)
	}
	_, err = newCluster(settings{kubeconfig: "token: very-secret\n\t- broken"})
	if err == nil || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("error = %v, want one without the contents", err)
	}
}

func TestParseSettingsReadsTheTextsOfTheSDK(t *testing.T) {
	parsed := parseSettings(resource.PropertyMap{
		"enableSecretMutable":    resource.NewStringProperty("true"),
		"enableConfigMapMutable": resource.NewStringProperty("false"),
		"kubeconfig":             resource.MakeComputed(resource.NewStringProperty("")),
	})
	if !parsed.secretsMutable || parsed.configMapsMutable || !parsed.unknown {
		t.Errorf("settings = %+v", parsed)
	}
}
