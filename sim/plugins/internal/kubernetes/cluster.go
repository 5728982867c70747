package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	dialTimeout = 10 * time.Second
	// How long one request other than a watch may take; kube-apiserver itself gives up after 60 seconds.
	requestTimeout = 70 * time.Second
)

// cluster is a connection to one API server. It asks for each API group version once.
type cluster struct {
	server    string
	namespace string
	raw       clientcmd.ClientConfig
	dynamic   dynamic.Interface
	rest      rest.Interface

	mutex  sync.Mutex
	groups map[schema.GroupVersion]*groupVersion
}

type groupVersion struct {
	mutex sync.Mutex
	kinds map[string]metav1.APIResource
}

// mapping says where objects of a kind are found.
type mapping struct {
	resource   schema.GroupVersionResource
	namespaced bool
}

func newCluster(chosen settings) (*cluster, error) {
	clientConfig, err := chosen.clientConfig()
	if err != nil {
		return nil, err
	}
	config, err := clientConfig.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	namespace, _, err := clientConfig.Namespace()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	// The API server limits what it serves by priority and fairness; a second limit here would only slow large stacks.
	config.QPS = -1
	config.UserAgent = "pulumi-resource-kubernetes"
	config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	config.WarningHandler = rest.NoWarnings{}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	requests, err := rest.UnversionedRESTClientForConfigAndClient(dynamic.ConfigFor(config), client)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return &cluster{
		server: config.Host, namespace: namespace, raw: clientConfig, dynamic: objects, rest: requests,
		groups: map[schema.GroupVersion]*groupVersion{},
	}, nil
}

// mapping looks a kind up. A kind that is not there yet is looked up again the next time.
func (c *cluster) mapping(ctx context.Context, kind schema.GroupVersionKind) (mapping, error) {
	c.mutex.Lock()
	group, found := c.groups[kind.GroupVersion()]
	if !found {
		group = &groupVersion{}
		c.groups[kind.GroupVersion()] = group
	}
	c.mutex.Unlock()

	group.mutex.Lock()
	defer group.mutex.Unlock()
	resource, found := group.kinds[kind.Kind]
	if !found {
		kinds, err := c.discover(ctx, kind.GroupVersion())
		if err != nil {
			return mapping{}, err
		}
		group.kinds = kinds
		if resource, found = kinds[kind.Kind]; !found {
			return mapping{}, &meta.NoKindMatchError{GroupKind: kind.GroupKind(), SearchedVersions: []string{kind.Version}}
		}
	}
	return mapping{kind.GroupVersion().WithResource(resource.Name), resource.Namespaced}, nil
}

func (c *cluster) discover(ctx context.Context, version schema.GroupVersion) (map[string]metav1.APIResource, error) {
	path := "/apis/" + version.String()
	if version.Group == "" {
		path = "/api/" + version.Version
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	body, err := c.rest.Get().AbsPath(path).Do(ctx).Raw()
	kinds := map[string]metav1.APIResource{}
	if apierrors.IsNotFound(err) {
		return kinds, nil
	}
	if err != nil {
		return nil, c.explain(err)
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("%s%s: unreadable list of API resources: %w", c.server, path, err)
	}
	for _, resource := range list.APIResources {
		// Subresources such as deployments/scale repeat kinds.
		if _, seen := kinds[resource.Kind]; !seen && !containsSlash(resource.Name) {
			kinds[resource.Kind] = resource
		}
	}
	return kinds, nil
}

func (c *cluster) objects(where mapping, namespace string) dynamic.ResourceInterface {
	if where.namespaced {
		return c.dynamic.Resource(where.resource).Namespace(namespace)
	}
	return c.dynamic.Resource(where.resource)
}

// unreachableError is a cluster that gives no answer, as opposed to one that answers no: its API server is down, or
// the kubeconfig does not lead to one.
type unreachableError struct {
	message string
	cause   error
}

func (e *unreachableError) Error() string { return e.message }
func (e *unreachableError) Unwrap() error { return e.cause }

func unreachable(server string, cause error) error {
	return &unreachableError{fmt.Sprintf("the Kubernetes cluster at %s cannot be reached: %v; check that its API server "+
		"runs and that the provider's kubeconfig and context are those of this cluster (try `kubectl get --raw /readyz`)",
		server, cause), cause}
}

func unusable(cause error) error {
	return &unreachableError{fmt.Sprintf("%v; start the cluster, or correct the provider's kubeconfig (path or contents) "+
		"and context, or the environment variable KUBECONFIG", cause), cause}
}

// explain says what to do when the API server does not answer or does not know us; its own words stay as they are.
func (c *cluster) explain(err error) error {
	var transport *url.Error
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		if status.Status().Code == http.StatusUnauthorized {
			return fmt.Errorf("%w: the cluster at %s refuses the credentials of the kubeconfig; renew them", err, c.server)
		}
		return err
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &transport):
		return unreachable(c.server, transport.Err)
	}
	return err
}

func isUnreachable(err error) bool {
	var found *unreachableError
	return errors.As(err, &found)
}
