package kubernetes

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"

	"google.golang.org/protobuf/types/known/structpb"
)

// Outputs that are ours, not the object's.
const (
	outputFieldManager      = "__fieldManager"
	outputInitialAPIVersion = "__initialApiVersion"
)

// As many as the official provider's random field managers end with.
const fieldManagerDigits = 8

// operation is one object that the engine wants created, updated, read or deleted.
type operation struct {
	urn     resource.URN
	kind    schema.GroupVersionKind
	inputs  resource.PropertyMap
	outputs resource.PropertyMap
	// fieldManager owns the fields that the program sets.
	fieldManager string
	redactor     properties.Redactor
	timeout      float64
	preview      bool
}

func (p *Provider) newOperation(urn string, inputs, outputs *structpb.Struct) (*operation, error) {
	started := &operation{urn: resource.URN(urn)}
	var err error
	if started.inputs, err = host.Unmarshal(inputs); err != nil {
		return nil, err
	}
	if started.outputs, err = host.Unmarshal(outputs); err != nil {
		return nil, err
	}
	described := started.inputs
	if len(described) == 0 {
		described = started.outputs
	}
	if started.kind, err = kindOf(started.urn.Type(), described); err != nil {
		return nil, err
	}
	if started.fieldManager = properties.String(started.outputs, outputFieldManager); started.fieldManager == "" {
		started.fieldManager = "pulumi-kubernetes-" + p.ownerOf(started.urn, fieldManagerDigits)
	}
	started.redactor = properties.NewRedactor(started.secretParts()...)
	return started, nil
}

// secretParts are the inputs and outputs, with the data of a Secret marked secret wherever it came from.
func (o *operation) secretParts() []resource.PropertyMap {
	return []resource.PropertyMap{markSecretData(o.kind, o.inputs), markSecretData(o.kind, o.outputs)}
}

func markSecretData(kind schema.GroupVersionKind, object resource.PropertyMap) resource.PropertyMap {
	if kind.GroupKind() != (schema.GroupKind{Kind: "Secret"}) {
		return object
	}
	marked := object.Copy()
	for _, key := range []resource.PropertyKey{"data", "stringData"} {
		if value, given := marked[key]; given && !value.IsSecret() {
			marked[key] = resource.MakeSecret(value)
		}
	}
	return marked
}

// object is what the API server shall get.
func (o *operation) object() *unstructured.Unstructured {
	plain := properties.PlainMap(o.inputs)
	for key := range plain {
		if len(key) > 2 && key[:2] == "__" {
			delete(plain, key)
		}
	}
	return &unstructured.Unstructured{Object: plain}
}

// outputsOf is the state to keep for a live object. What the field managers own is left out: it is large, and nobody
// reads it from the state.
func (o *operation) outputsOf(live *unstructured.Unstructured) resource.PropertyMap {
	outputs := properties.FromPlainMap(live.Object)
	if metadata := properties.Object(outputs, "metadata"); metadata != nil {
		delete(metadata, "managedFields")
	}
	outputs[outputFieldManager] = resource.NewStringProperty(o.fieldManager)
	initial := o.outputs[outputInitialAPIVersion]
	if initial.IsNull() {
		initial = resource.NewStringProperty(live.GetAPIVersion())
	}
	outputs[outputInitialAPIVersion] = initial
	return properties.MarkSecrets(markSecretData(o.kind, outputs), o.inputs)
}

// fail words an error of the API server without the object's secrets.
func (o *operation) fail(doing string, object *unstructured.Unstructured, err error) error {
	return &redactedError{
		message: o.redactor.Redact(fmt.Sprintf("%s %s: %v", doing, describe(object), err)), cause: err,
	}
}

// redactedError keeps its cause for the code, not for the reader.
type redactedError struct {
	message string
	cause   error
}

func (e *redactedError) Error() string { return e.message }
func (e *redactedError) Unwrap() error { return e.cause }

// describe names an object as kubectl would: Deployment default/web.
func describe(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + idOf(object)
}

// idOf is the resource's id: namespace/name, or the name alone outside namespaces.
func idOf(object *unstructured.Unstructured) string {
	if namespace := object.GetNamespace(); namespace != "" {
		return namespace + "/" + object.GetName()
	}
	return object.GetName()
}

// incomplete reports an object that exists but is not ready, so that the engine keeps it and tries again.
func (o *operation) incomplete(live *unstructured.Unstructured, failure error) error {
	return host.InitFailed(idOf(live), o.outputsOf(live), o.inputs, o.redactor.Redact(failure.Error()))
}
