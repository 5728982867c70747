package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

// inputChartDigest is our own input: it changes when the content of a local chart does.
const inputChartDigest = "__chartDigest"

// releases handles the resource type kubernetes:helm.sh/v3:Release.
type releases struct {
	provider *Provider
}

// Inputs that the stand-in does not know how to honour.
var unsupportedReleaseInputs = []resource.PropertyKey{"allowNullValues", "postrender", "recreatePods", "lint"}

func (r *releases) check(request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	olds, inputs, err := host.UnmarshalBoth(request.GetOlds(), request.GetNews())
	if err != nil {
		return nil, err
	}
	for _, key := range unsupportedReleaseInputs {
		if _, given := inputs[key]; given {
			return refuse(fmt.Errorf("%s is not covered by the stand-in for Helm releases; leave it out or install the "+
				"official plugin", key)), nil
		}
	}
	if err := r.nameRelease(inputs, olds, request); err != nil {
		return refuse(err), nil
	}
	if !properties.IsUnknown(inputs, "chart") {
		digest, err := chartDigest(properties.String(inputs, "chart"), repositoryOf(inputs))
		if err != nil {
			return refuse(err), nil
		}
		if digest != "" {
			inputs[inputChartDigest] = resource.NewStringProperty(digest)
		}
	}
	marshalled, err := host.Marshal(inputs)
	return &pulumirpc.CheckResponse{Inputs: marshalled}, err
}

func (r *releases) nameRelease(inputs, olds resource.PropertyMap, request *pulumirpc.CheckRequest) error {
	if _, named := inputs["name"]; !named {
		name := properties.String(olds, "name")
		if name == "" {
			var err error
			if name, err = chooseName(request); err != nil {
				return err
			}
		}
		inputs["name"] = resource.NewStringProperty(name)
	}
	if _, placed := inputs["namespace"]; !placed {
		namespace := r.provider.settings.namespace
		if namespace == "" {
			namespace = defaultNamespace
		}
		inputs["namespace"] = resource.NewStringProperty(namespace)
	}
	return nil
}

func repositoryOf(inputs resource.PropertyMap) string {
	return properties.String(properties.Object(inputs, "repositoryOpts"), "repo")
}

// chartDigest is the digest of a local chart's files; empty for a chart that helm fetches.
func chartDigest(chart, repository string) (string, error) {
	if repository != "" || strings.Contains(chart, "://") {
		return "", nil
	}
	info, err := os.Stat(chart)
	if errors.Is(err, fs.ErrNotExist) {
		if strings.HasPrefix(chart, ".") || filepath.IsAbs(chart) {
			return "", fmt.Errorf("chart: there is nothing at %q; give a directory with a Chart.yaml, a .tgz file, an oci:// "+
				"reference, or a chart's name with repositoryOpts.repo", chart)
		}
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(chart, "Chart.yaml")); err != nil {
			return "", fmt.Errorf("chart: the directory %q has no Chart.yaml; name a chart's own directory", chart)
		}
	}
	digest := sha256.New()
	err = walkChart(chart, func(path string) error { return hashFile(digest, chart, path) })
	return hex.EncodeToString(digest.Sum(nil)), err
}

// walkChart visits a chart's files in order. Like helm it follows symbolic links, to directories too.
func walkChart(place string, visit func(path string) error) error {
	info, err := os.Stat(place)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return visit(place)
	}
	entries, err := os.ReadDir(place)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := walkChart(filepath.Join(place, entry.Name()), visit); err != nil {
			return err
		}
	}
	return nil
}

func hashFile(digest io.Writer, root, path string) error {
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(digest, "%s\x00%d\x00%s", relative, len(content), content)
	return err
}

func (r *releases) diff(request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := unmarshalInputs(request)
	if err != nil {
		return nil, err
	}
	diff := olds.Diff(news)
	// Two releases of one name cannot exist at once, should the user ask for a replacement.
	sameName := properties.String(olds, "name") == properties.String(news, "name") &&
		properties.String(olds, "namespace") == properties.String(news, "namespace")
	if diff == nil {
		return &pulumirpc.DiffResponse{
			Changes: pulumirpc.DiffResponse_DIFF_NONE, DeleteBeforeReplace: sameName,
		}, nil
	}
	response := detailedDiff(diff, func(path []string) bool { return path[0] == "name" || path[0] == "namespace" })
	if _, changed := response.DetailedDiff[inputChartDigest]; changed {
		delete(response.DetailedDiff, inputChartDigest)
		response.DetailedDiff["chart"] = &pulumirpc.PropertyDiff{Kind: pulumirpc.PropertyDiff_UPDATE, InputDiff: true}
	}
	response.DeleteBeforeReplace = sameName
	return response, nil
}

// A label of Kubernetes holds 63 characters at most.
const releaseOwnerDigits = 16

// releaseOperation is one release that the engine wants installed, upgraded, read or uninstalled.
type releaseOperation struct {
	urn             resource.URN
	inputs          resource.PropertyMap
	name, namespace string
	// owner marks Helm's record of the release.
	owner    string
	timeout  float64
	redactor properties.Redactor
}

func (r *releases) newReleaseOperation(urn string, inputs, outputs resource.PropertyMap) *releaseOperation {
	return &releaseOperation{
		owner:     r.provider.ownerOf(resource.URN(urn), releaseOwnerDigits),
		urn:       resource.URN(urn),
		inputs:    inputs,
		name:      properties.String(inputs, "name"),
		namespace: properties.String(inputs, "namespace"),
		redactor:  properties.NewRedactor(inputs, outputs),
	}
}

func (o *releaseOperation) id() string { return o.namespace + "/" + o.name }

// fail words an error without the release's secrets.
func (o *releaseOperation) fail(doing string, err error) error {
	return &redactedError{
		message: o.redactor.Redact(fmt.Sprintf("%s Helm release %s: %v", doing, o.id(), err)), cause: err,
	}
}

// outputsOf is the state to keep for a release.
func (o *releaseOperation) outputsOf(found *record) resource.PropertyMap {
	outputs := o.inputs.Copy()
	status := resource.PropertyMap{
		"name":       resource.NewStringProperty(found.Name),
		"namespace":  resource.NewStringProperty(found.Namespace),
		"revision":   resource.NewNumberProperty(float64(found.Version)),
		"status":     resource.NewStringProperty(found.Info.Status),
		"chart":      resource.NewStringProperty(found.Chart.Metadata.Name),
		"version":    resource.NewStringProperty(found.Chart.Metadata.Version),
		"appVersion": resource.NewStringProperty(found.Chart.Metadata.AppVersion),
	}
	outputs["status"] = resource.NewObjectProperty(status)
	names := resource.PropertyMap{}
	for kind, ids := range found.resourceNames() {
		names[resource.PropertyKey(kind)] = properties.FromPlain(ids)
	}
	outputs["resourceNames"] = resource.NewObjectProperty(names)
	return outputs
}

// plannedOutputs are what a preview can say: where the release will be is known, its revision is not.
func (o *releaseOperation) plannedOutputs(olds resource.PropertyMap) resource.PropertyMap {
	outputs := o.inputs.Copy()
	unknown := resource.MakeComputed(resource.NewStringProperty(""))
	status := maps.Clone(properties.Object(olds, "status"))
	if status == nil {
		status = resource.PropertyMap{"chart": unknown}
	}
	status["name"], status["namespace"] = o.inputs["name"], o.inputs["namespace"]
	for _, key := range []resource.PropertyKey{"revision", "status", "version", "appVersion"} {
		status[key] = unknown
	}
	outputs["status"] = resource.NewObjectProperty(status)
	outputs["resourceNames"] = unknown
	return outputs
}
