package kubernetes

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

// diffObject compares the inputs of the last update with the new ones. It asks the API server nothing: drift enters
// the old inputs by refresh.
func (p *Provider) diffObject(request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := unmarshalInputs(request)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(resource.URN(request.GetUrn()).Type(), news)
	if err != nil {
		return nil, err
	}
	return diffInputs(p.settings, kind, olds, news), nil
}

func unmarshalInputs(request *pulumirpc.DiffRequest) (olds, news resource.PropertyMap, err error) {
	if olds, news, err = host.UnmarshalBoth(request.GetOldInputs(), request.GetNews()); err != nil {
		return nil, nil, err
	}
	// Whether a value is secret says nothing about the object in the cluster.
	return properties.RevealAll(olds), properties.RevealAll(news), nil
}

func diffInputs(
	settings settings, kind schema.GroupVersionKind, olds, news resource.PropertyMap,
) *pulumirpc.DiffResponse {
	diff := olds.Diff(news)
	if diff == nil {
		return &pulumirpc.DiffResponse{
			Changes: pulumirpc.DiffResponse_DIFF_NONE, DeleteBeforeReplace: keepsName(olds, news),
		}
	}
	before, after := properties.PlainMap(olds), properties.PlainMap(news)
	var replaced [][]string
	for _, rule := range settings.replacedParts(kind, before) {
		if rule.differs(before, after) {
			replaced = append(replaced, rule.path)
		}
	}
	response := detailedDiff(diff, func(path []string) bool {
		return slices.ContainsFunc(replaced, func(rule []string) bool { return overlaps(rule, path) })
	})
	// The user may ask for a replacement that no change needs.
	response.DeleteBeforeReplace = keepsName(olds, news)
	return response
}

// keepsName tells whether old and new object would have the same name, so that both cannot exist at once.
func keepsName(olds, news resource.PropertyMap) bool {
	before, after := properties.Object(olds, "metadata"), properties.Object(news, "metadata")
	if isAutonamed(after) || properties.String(after, "name") == "" {
		return false
	}
	return properties.String(before, "name") == properties.String(after, "name") &&
		properties.String(before, "namespace") == properties.String(after, "namespace")
}

// detailedDiff lists every changed property, marking those that force a replacement.
func detailedDiff(diff *resource.ObjectDiff, forcesReplacement func(path []string) bool) *pulumirpc.DiffResponse {
	response := &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_SOME,
		DetailedDiff:    map[string]*pulumirpc.PropertyDiff{},
		HasDetailedDiff: true,
	}
	for _, key := range diff.ChangedKeys() {
		response.Diffs = append(response.Diffs, string(key))
	}
	for text, change := range plugin.NewDetailedDiffFromObjectDiff(diff, true) {
		path := pathKeys(text)
		if len(path) == 0 {
			continue
		}
		if forcesReplacement(path) {
			change = change.ToReplace()
			if !slices.Contains(response.Replaces, path[0]) {
				response.Replaces = append(response.Replaces, path[0])
			}
		}
		response.DetailedDiff[text] = &pulumirpc.PropertyDiff{Kind: wireKinds[change.Kind], InputDiff: true}
	}
	return response
}

var wireKinds = map[plugin.DiffKind]pulumirpc.PropertyDiff_Kind{
	plugin.DiffAdd:           pulumirpc.PropertyDiff_ADD,
	plugin.DiffAddReplace:    pulumirpc.PropertyDiff_ADD_REPLACE,
	plugin.DiffDelete:        pulumirpc.PropertyDiff_DELETE,
	plugin.DiffDeleteReplace: pulumirpc.PropertyDiff_DELETE_REPLACE,
	plugin.DiffUpdate:        pulumirpc.PropertyDiff_UPDATE,
	plugin.DiffUpdateReplace: pulumirpc.PropertyDiff_UPDATE_REPLACE,
}

// pathKeys splits a property path such as spec.containers[0].image into its keys; indices become "*".
func pathKeys(text string) []string {
	parsed, err := resource.ParsePropertyPath(text)
	if err != nil {
		return nil
	}
	keys := make([]string, len(parsed))
	for i, element := range parsed {
		key, isKey := element.(string)
		if !isKey {
			key = "*"
		}
		keys[i] = key
	}
	return keys
}

// overlaps tells whether one path leads to or into the other.
func overlaps(a, b []string) bool {
	shared := min(len(a), len(b))
	return slices.Equal(a[:shared], b[:shared])
}
