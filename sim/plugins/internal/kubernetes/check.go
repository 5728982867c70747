package kubernetes

import (
	"context"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

const (
	annotationAutonamed = "pulumi.com/autonamed"
	// The official provider adds this many random hexadecimal digits to a name.
	autonameDigits   = 8
	defaultNamespace = "default"
)

func (p *Provider) checkObject(
	ctx context.Context, request *pulumirpc.CheckRequest,
) (*pulumirpc.CheckResponse, error) {
	olds, inputs, err := host.UnmarshalBoth(request.GetOlds(), request.GetNews())
	if err != nil {
		return nil, err
	}
	urn := resource.URN(request.GetUrn())
	kind, err := kindOf(urn.Type(), inputs)
	if err != nil {
		return refuse(err), nil
	}
	if _, given := inputs["metadata"]; !given {
		inputs["metadata"] = resource.NewObjectProperty(resource.PropertyMap{})
	}
	inputs["apiVersion"] = resource.NewStringProperty(kind.GroupVersion().String())
	inputs["kind"] = resource.NewStringProperty(kind.Kind)

	if metadata := properties.Object(inputs, "metadata"); metadata != nil {
		metadata = maps.Clone(metadata)
		if err := nameObject(metadata, properties.Object(olds, "metadata"), request); err != nil {
			return refuse(err), nil
		}
		if err := p.placeObject(ctx, kind, metadata, olds); err != nil {
			return nil, err
		}
		inputs["metadata"] = keepSecretness(inputs["metadata"], metadata)
	}
	marshalled, err := host.Marshal(inputs)
	return &pulumirpc.CheckResponse{Inputs: marshalled}, err
}

func refuse(err error) *pulumirpc.CheckResponse {
	return &pulumirpc.CheckResponse{Failures: []*pulumirpc.CheckFailure{{Reason: err.Error()}}}
}

func keepSecretness(original resource.PropertyValue, metadata resource.PropertyMap) resource.PropertyValue {
	if original.IsSecret() {
		return resource.MakeSecret(resource.NewObjectProperty(metadata))
	}
	return resource.NewObjectProperty(metadata)
}

// nameObject gives an object without a name one of its own, and lets it keep that name afterwards.
func nameObject(metadata, oldMetadata resource.PropertyMap, request *pulumirpc.CheckRequest) error {
	_, named := metadata["name"]
	_, generated := metadata["generateName"]
	if named || generated {
		return nil
	}
	name := properties.String(oldMetadata, "name")
	if name == "" || !isAutonamed(oldMetadata) {
		var err error
		if name, err = chooseName(request); err != nil {
			return err
		}
	}
	metadata["name"] = resource.NewStringProperty(name)
	if properties.IsUnknown(metadata, "annotations") {
		return nil
	}
	annotations := maps.Clone(properties.Object(metadata, "annotations"))
	if annotations == nil {
		annotations = resource.PropertyMap{}
	}
	annotations[annotationAutonamed] = resource.NewStringProperty("true")
	metadata["annotations"] = resource.NewObjectProperty(annotations)
	return nil
}

func chooseName(request *pulumirpc.CheckRequest) (string, error) {
	name := resource.URN(request.GetUrn()).Name()
	switch autonaming := request.GetAutonaming(); {
	case autonaming == nil:
		return resource.NewUniqueName(request.GetRandomSeed(), name+"-", autonameDigits, 0, nil)
	case autonaming.GetMode() == pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
		return "", fmt.Errorf("metadata.name is missing, and pulumi:autonaming is disabled in the stack's config; " +
			"give the object a name")
	default:
		return autonaming.GetProposedName(), nil
	}
}

func isAutonamed(metadata resource.PropertyMap) bool {
	return properties.String(properties.Object(metadata, "annotations"), annotationAutonamed) == "true"
}

// placeObject writes the namespace into a namespaced object that leaves it out.
func (p *Provider) placeObject(
	ctx context.Context, kind schema.GroupVersionKind, metadata, olds resource.PropertyMap,
) error {
	if _, placed := metadata["namespace"]; placed {
		if namespaced, known := knownScope(kind); known && !namespaced {
			delete(metadata, "namespace")
		}
		return nil
	}
	namespaced, err := p.isNamespaced(ctx, kind, olds)
	if err != nil || !namespaced {
		return err
	}
	namespace := p.settings.namespace
	if namespace == "" {
		namespace = defaultNamespace
		if connected, err := p.cluster(); err == nil && connected.namespace != "" {
			namespace = connected.namespace
		}
	}
	metadata["namespace"] = resource.NewStringProperty(namespace)
	return nil
}

// isNamespaced asks the API server only for custom kinds, and only when the state does not tell.
func (p *Provider) isNamespaced(
	ctx context.Context, kind schema.GroupVersionKind, olds resource.PropertyMap,
) (bool, error) {
	if namespaced, known := knownScope(kind); known {
		return namespaced, nil
	}
	if len(olds) > 0 && properties.String(olds, "kind") == kind.Kind {
		_, placed := properties.Object(olds, "metadata")["namespace"]
		return placed, nil
	}
	if p.settings.unknown {
		return false, nil
	}
	connected, err := p.cluster()
	if err != nil {
		return false, nil
	}
	where, err := connected.mapping(ctx, kind)
	// A kind whose definition comes later in the same update, or a cluster that is not there yet, is the business of
	// create, which can say more about it.
	if meta.IsNoMatchError(err) || isUnreachable(err) {
		return false, nil
	}
	return where.namespaced, err
}
