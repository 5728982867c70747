package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"inference-stack/sim/plugins/internal/properties"
)

const (
	// Names the helm binary; helm on PATH when it is not set.
	environmentHelm = "INFERENCE_STACK_HELM"
	// Helm's own default for --timeout.
	defaultReleaseTimeout = 5 * time.Minute
	// How long helm may take to write down that it was interrupted.
	helmStopGrace = 3 * time.Second
)

// helm runs one helm command against a cluster.
type helm struct {
	cluster *cluster
	context string
	// directory holds the kubeconfig and what else the command line must not show; it goes when the command ends.
	directory string
}

// withHelm prepares a private directory for helm, and removes it afterwards.
func (p *Provider) withHelm(do func(helm) error) (err error) {
	connected, err := p.cluster()
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "pulumi-helm-")
	if err != nil {
		return fmt.Errorf("making a directory for helm's kubeconfig: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	prepared := helm{connected, p.settings.context, directory}
	if err := prepared.writeKubeconfig(); err != nil {
		return fmt.Errorf("writing helm's kubeconfig: %w", err)
	}
	return do(prepared)
}

func (h helm) writeKubeconfig() error {
	raw, err := h.cluster.raw.RawConfig()
	if err != nil {
		return err
	}
	if h.context != "" {
		raw.CurrentContext = h.context
	}
	if err := api.MinifyConfig(&raw); err != nil {
		return err
	}
	if err := api.FlattenConfig(&raw); err != nil {
		return err
	}
	content, err := clientcmd.Write(raw)
	if err != nil {
		return err
	}
	return h.write("kubeconfig", content)
}

func (h helm) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(h.directory, name), content, 0o600)
}

// run executes helm and returns what it says as the error when it fails.
func (h helm) run(ctx context.Context, namespace string, input []byte, arguments ...string) error {
	binary := os.Getenv(environmentHelm)
	if binary == "" {
		binary = "helm"
	}
	arguments = append(arguments, "--namespace", namespace, "--kubeconfig", filepath.Join(h.directory, "kubeconfig"))
	command := exec.CommandContext(ctx, binary, arguments...)
	var output bytes.Buffer
	command.Stdin, command.Stderr = bytes.NewReader(input), &output
	// A cache of its own: one kept for longer would remember the API of a cluster that had this address before.
	command.Env = append(os.Environ(), "KUBECACHEDIR="+filepath.Join(h.directory, "cache"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = helmStopGrace

	// The signal at our death is bound to the thread that starts helm, so that thread must live as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := command.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("the helm binary is not on PATH; install Helm 3 or name it in %s", environmentHelm)
	case ctx.Err() != nil:
		return fmt.Errorf("helm was interrupted: %w", ctx.Err())
	}
	if words := strings.TrimSpace(output.String()); words != "" {
		return errors.New(strings.TrimPrefix(words, "Error: "))
	}
	return fmt.Errorf("%s %s: %w", binary, arguments[0], err)
}

// Inputs of a release that are flags of helm under another name.
var releaseFlags = map[resource.PropertyKey]string{
	"atomic":                   "--atomic",
	"cleanupOnFail":            "--cleanup-on-fail",
	"createNamespace":          "--create-namespace",
	"dependencyUpdate":         "--dependency-update",
	"devel":                    "--devel",
	"disableOpenapiValidation": "--disable-openapi-validation",
	"disableWebhooks":          "--no-hooks",
	"forceUpdate":              "--force",
	"renderSubchartNotes":      "--render-subchart-notes",
	"skipCrds":                 "--skip-crds",
	"takeOwnership":            "--take-ownership",
	"verify":                   "--verify",
	"waitForJobs":              "--wait-for-jobs",
}

// upgrade installs the release or brings it up to date.
func (h helm) upgrade(ctx context.Context, operation *releaseOperation) error {
	arguments := append([]string{"upgrade", operation.name, "--install"}, operation.flags()...)
	chart, err := h.chartArguments(ctx, operation)
	if err != nil {
		return err
	}
	files, err := h.valueFiles(operation)
	if err != nil {
		return err
	}
	values, err := json.Marshal(properties.PlainMap(properties.Object(operation.inputs, "values")))
	if err != nil {
		return err
	}
	// Later values win, and those of the program are the most specific.
	arguments = append(append(append(arguments, chart...), files...), "--values", "-")
	return h.run(ctx, operation.namespace, values, arguments...)
}

// flags are what the release's inputs ask of helm, other than chart and values.
func (o *releaseOperation) flags() []string {
	flags := []string{
		"--output", "json", "--labels", labelOwner + "=" + o.owner, "--timeout", o.waitLimit().String(),
	}
	for input, flag := range releaseFlags {
		if properties.Bool(o.inputs, input) {
			flags = append(flags, flag)
		}
	}
	if !properties.Bool(o.inputs, "skipAwait") {
		flags = append(flags, "--wait")
	}
	if properties.Bool(o.inputs, "reuseValues") {
		flags = append(flags, "--reuse-values")
	} else {
		flags = append(flags, "--reset-values")
	}
	for input, flag := range map[resource.PropertyKey]string{
		"version": "--version", "description": "--description", "keyring": "--keyring",
	} {
		if value := properties.String(o.inputs, input); value != "" {
			flags = append(flags, flag, value)
		}
	}
	if history := properties.Number(o.inputs, "maxHistory"); history > 0 {
		flags = append(flags, "--history-max", fmt.Sprint(int(history)))
	}
	return flags
}

// chartArguments name the chart and where it is. Credentials go into files, as command lines can be read by all.
func (h helm) chartArguments(ctx context.Context, operation *releaseOperation) ([]string, error) {
	options := properties.Object(operation.inputs, "repositoryOpts")
	chart, repository := properties.String(operation.inputs, "chart"), properties.String(options, "repo")
	username, password := properties.String(options, "username"), properties.String(options, "password")
	var arguments []string
	for key, flag := range map[resource.PropertyKey]string{
		"caFile": "--ca-file", "certFile": "--cert-file", "keyFile": "--key-file",
	} {
		if value := properties.String(options, key); value != "" {
			arguments = append(arguments, flag, value)
		}
	}
	switch registry, isRegistry := strings.CutPrefix(chart, "oci://"); {
	case password == "" && repository == "":
		return append(arguments, chart), nil
	case password == "":
		return append(arguments, chart, "--repo", repository), nil
	case isRegistry:
		config := []string{"--registry-config", filepath.Join(h.directory, "registry.json")}
		registryHost, _, _ := strings.Cut(registry, "/")
		err := h.run(ctx, operation.namespace, []byte(password), append([]string{
			"registry", "login", registryHost, "--username", username, "--password-stdin"}, config...)...)
		return append(append(arguments, chart), config...), err
	}
	config := []string{
		"--repository-config", filepath.Join(h.directory, "repositories.yaml"), "--repository-cache", h.directory,
	}
	err := h.run(ctx, operation.namespace, []byte(password), append(append([]string{
		"repo", "add", "release", repository, "--username", username, "--password-stdin"}, config...), arguments...)...)
	return append(append(arguments, "release/"+chart), config...), err
}

// valueFiles passes on the release's valueYamlFiles, which are files or texts.
func (h helm) valueFiles(operation *releaseOperation) ([]string, error) {
	files := properties.Reveal(operation.inputs["valueYamlFiles"])
	if !files.IsArray() {
		return nil, nil
	}
	var arguments []string
	for i, file := range files.ArrayValue() {
		file = properties.Reveal(file)
		if !file.IsAsset() {
			return nil, fmt.Errorf("valueYamlFiles[%d]: give a FileAsset or a StringAsset", i)
		}
		path, isPath := file.AssetValue().GetPath()
		if !isPath {
			name := fmt.Sprintf("values-%d.yaml", i)
			if err := h.write(name, []byte(file.AssetValue().Text)); err != nil {
				return nil, err
			}
			path = filepath.Join(h.directory, name)
		}
		arguments = append(arguments, "--values", path)
	}
	return arguments, nil
}

// waitLimit is how long helm may wait for any one object or hook.
func (o *releaseOperation) waitLimit() time.Duration {
	seconds := properties.Number(o.inputs, "timeout")
	if seconds == 0 {
		seconds = o.timeout
	}
	if seconds == 0 {
		return defaultReleaseTimeout
	}
	return time.Duration(seconds * float64(time.Second))
}
