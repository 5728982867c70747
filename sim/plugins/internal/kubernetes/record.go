package kubernetes

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// labelOwner on Helm's own record of a release holds whose it is. Helm keeps labels given to it on the record.
const labelOwner = "pulumi-urn"

var secretMapping = mapping{resource: schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, namespaced: true}

// record is what Helm keeps about one revision of a release, in a Secret of the release's namespace.
type record struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Version   int    `json:"version"`
	Info      struct {
		Status      string `json:"status"`
		Description string `json:"description"`
	} `json:"info"`
	Chart struct {
		Metadata struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AppVersion string `json:"appVersion"`
		} `json:"metadata"`
	} `json:"chart"`
	Config   map[string]any `json:"config"`
	Manifest string         `json:"manifest"`

	// secret is the name of the Secret, owner the value of labelOwner.
	secret, owner string
}

// latestRecord reads the newest revision of a release; nil when Helm has none.
func (c *cluster) latestRecord(ctx context.Context, namespace, name string) (*record, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list, err := c.objects(secretMapping, namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "owner=helm,name=" + name,
	})
	if err != nil {
		return nil, c.explain(err)
	}
	if len(list.Items) == 0 {
		return nil, nil
	}
	newest := slices.MaxFunc(list.Items, func(a, b unstructured.Unstructured) int {
		return revisionOf(a) - revisionOf(b)
	})
	decoded, err := decodeRecord(stringAt(newest.Object, "data", "release"))
	if err != nil {
		return nil, fmt.Errorf("Helm's record %s/%s of the release cannot be read: %w", namespace, newest.GetName(), err)
	}
	decoded.secret, decoded.owner = newest.GetName(), newest.GetLabels()[labelOwner]
	return decoded, nil
}

func revisionOf(secret unstructured.Unstructured) int {
	revision, err := strconv.Atoi(secret.GetLabels()["version"])
	if err != nil {
		return 0
	}
	return revision
}

// decodeRecord undoes the encoding of Helm (gzip, base64) inside that of Kubernetes (base64).
func decodeRecord(data string) (*record, error) {
	helmEncoded, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, err
	}
	compressed, err := base64.StdEncoding.DecodeString(string(helmEncoded))
	if err != nil {
		return nil, err
	}
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	decoded := &record{}
	return decoded, json.NewDecoder(reader).Decode(decoded)
}

// forget deletes the record, so that Helm no longer takes an interrupted operation for a running one.
func (c *cluster) forget(ctx context.Context, found *record) error {
	err := c.objects(secretMapping, found.Namespace).Delete(ctx, found.secret, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return c.explain(err)
}

// objects lists what the release consists of.
func (r *record) objects() []*unstructured.Unstructured {
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(r.Manifest)), 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := reader.Decode(&object.Object); {
		case err == io.EOF:
			return objects
		case err != nil || object.GetKind() == "":
			// Helm has applied the manifest, so what is unreadable here is an empty document.
			if err != nil {
				return objects
			}
			continue
		}
		objects = append(objects, object)
	}
}

// resourceNames groups the ids of the release's objects by kind, as in the official provider's output.
func (r *record) resourceNames() map[string]any {
	names := map[string]any{}
	for _, object := range r.objects() {
		kind := object.GroupVersionKind()
		key := kind.GroupKind().String() + "/" + kind.GroupVersion().String()
		if namespaced, known := knownScope(kind); namespaced && known && object.GetNamespace() == "" {
			object.SetNamespace(r.Namespace)
		}
		ids, _ := names[key].([]any)
		names[key] = append(ids, idOf(object))
	}
	return names
}
