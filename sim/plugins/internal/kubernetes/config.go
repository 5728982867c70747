package kubernetes

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"inference-stack/sim/plugins/internal/properties"
)

// settings are the arguments of a Provider resource, or the stack's kubernetes:* config for the default provider.
type settings struct {
	kubeconfig        string
	context           string
	cluster           string
	clusterIdentifier string
	namespace         string

	configMapsMutable bool
	secretsMutable    bool
	// forcePatch takes fields over from other managers without a word.
	forcePatch bool
	// adoptExisting lets create take over an object that exists.
	adoptExisting     bool
	deleteUnreachable bool

	// unknown is set at preview when the cluster will exist only after the update.
	unknown bool
}

func parseSettings(arguments resource.PropertyMap) settings {
	parsed := settings{
		kubeconfig:        properties.String(arguments, "kubeconfig"),
		context:           properties.String(arguments, "context"),
		cluster:           properties.String(arguments, "cluster"),
		clusterIdentifier: properties.String(arguments, "clusterIdentifier"),
		namespace:         properties.String(arguments, "namespace"),
		configMapsMutable: properties.Bool(arguments, "enableConfigMapMutable"),
		secretsMutable:    properties.Bool(arguments, "enableSecretMutable"),
		forcePatch:        properties.Bool(arguments, "enablePatchForce"),
		adoptExisting:     properties.Bool(arguments, "upsertExistingObjects"),
		deleteUnreachable: properties.Bool(arguments, "deleteUnreachable"),
	}
	for _, key := range []resource.PropertyKey{"kubeconfig", "context", "cluster"} {
		parsed.unknown = parsed.unknown || properties.IsUnknown(arguments, key)
	}
	// The SDK may pass a kubeconfig as an object; its text form is what everything else reads.
	if object := properties.Object(arguments, "kubeconfig"); object != nil {
		parsed.kubeconfig = jsonText(properties.PlainMap(object))
	}
	return parsed
}

// checkSettings names what the stand-in cannot do.
func checkSettings(arguments resource.PropertyMap) error {
	if properties.String(arguments, "renderYamlToDirectory") != "" {
		return errors.New("renderYamlToDirectory needs the official plugin; leave it out to apply to a cluster")
	}
	if value := properties.String(arguments, "enableServerSideApply"); value == "false" {
		return errors.New("enableServerSideApply: false is not covered by the stand-in, which always uses " +
			"server-side apply; leave it out or set it to true")
	}
	if properties.String(arguments, "helmReleaseSettings") != "" || properties.Object(arguments, "helmReleaseSettings") != nil {
		return errors.New("helmReleaseSettings is not covered by the stand-in; set HELM_* environment variables instead")
	}
	return nil
}

// clientConfig reads the kubeconfig, which is its text, its path, or what kubectl would use.
func (s settings) clientConfig() (clientcmd.ClientConfig, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: s.context}
	overrides.Context.Namespace = s.namespace
	overrides.Context.Cluster = s.cluster
	if s.kubeconfig == "" {
		return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			clientcmd.NewDefaultClientConfigLoadingRules(), overrides), nil
	}
	if !strings.Contains(s.kubeconfig, "\n") && !strings.HasPrefix(strings.TrimSpace(s.kubeconfig), "{") {
		if _, err := os.Stat(expandHome(s.kubeconfig)); err != nil {
			return nil, fmt.Errorf("kubeconfig: cannot read the file it names: %w", err)
		}
		rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: expandHome(s.kubeconfig)}
		return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides), nil
	}
	parsed, err := clientcmd.Load([]byte(s.kubeconfig))
	if err != nil {
		// The parser's error quotes the contents, which hold credentials.
		return nil, errors.New("kubeconfig: its contents are not a valid kubeconfig; " +
			"compare with the output of `kubectl config view`")
	}
	return clientcmd.NewNonInteractiveClientConfig(*parsed, s.context, overrides, nil), nil
}

func expandHome(path string) string {
	if rest, found := strings.CutPrefix(path, "~/"); found {
		if home, err := os.UserHomeDir(); err == nil {
			return home + "/" + rest
		}
	}
	return path
}

// clusterOf identifies the cluster that the settings select: its server's address.
func (s settings) clusterOf() (string, error) {
	config, err := s.clientConfig()
	if err != nil {
		return "", err
	}
	raw, err := config.RawConfig()
	if err != nil {
		return "", err
	}
	name := s.context
	if name == "" {
		name = raw.CurrentContext
	}
	chosen, found := raw.Contexts[name]
	if !found {
		return "", fmt.Errorf("context %q is not in the kubeconfig, which has %s", name, contextNames(raw))
	}
	clusterName := chosen.Cluster
	if s.cluster != "" {
		clusterName = s.cluster
	}
	cluster, found := raw.Clusters[clusterName]
	if !found {
		return "", fmt.Errorf("cluster %q of context %q is not in the kubeconfig", clusterName, name)
	}
	return cluster.Server, nil
}

func contextNames(config api.Config) string {
	names := make([]string, 0, len(config.Contexts))
	for name := range config.Contexts {
		names = append(names, fmt.Sprintf("%q", name))
	}
	return strings.Join(names, ", ")
}

// replacesCluster names the arguments whose change means another cluster, on which every object must be made anew.
func replacesCluster(olds, news settings) []string {
	if news.clusterIdentifier != "" || olds.clusterIdentifier != "" {
		if olds.clusterIdentifier != news.clusterIdentifier && olds.clusterIdentifier != "" {
			return []string{"clusterIdentifier"}
		}
		return nil
	}
	if news.unknown || olds.kubeconfig == news.kubeconfig && olds.context == news.context && olds.cluster == news.cluster {
		return nil
	}
	before, errBefore := olds.clusterOf()
	after, errAfter := news.clusterOf()
	if errBefore != nil || errAfter != nil || before == after {
		// A kubeconfig that can no longer be read says nothing about the cluster; replacing everything on a guess
		// would destroy it.
		return nil
	}
	switch {
	case olds.kubeconfig != news.kubeconfig:
		return []string{"kubeconfig"}
	case olds.context != news.context:
		return []string{"context"}
	}
	return []string{"cluster"}
}
