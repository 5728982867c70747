package language

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// manifest is the part of a package.json that says which provider plugin belongs to a package.
type manifest struct {
	Name            string            `json:"name"`
	Version         string            `json:"version"`
	Dependencies    map[string]string `json:"dependencies"`
	DevDependencies map[string]string `json:"devDependencies"`
	Pulumi          *struct {
		Resource         bool   `json:"resource"`
		Name             string `json:"name"`
		Version          string `json:"version"`
		Server           string `json:"server"`
		Parameterization *struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			Value   []byte `json:"value"`
		} `json:"parameterization"`
	} `json:"pulumi"`
}

func readManifest(directory string) (*manifest, error) {
	path := filepath.Join(directory, "package.json")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	parsed := &manifest{}
	if err := json.Unmarshal(content, parsed); err != nil {
		return nil, fmt.Errorf("%s is not valid JSON: %w", path, err)
	}
	return parsed, nil
}

// modulesDirectories lists the node_modules folders that node searches for a program in directory, nearest first.
func modulesDirectories(directory string) []string {
	var found []string
	for {
		modules := filepath.Join(directory, "node_modules")
		if info, err := os.Stat(modules); err == nil && info.IsDir() {
			found = append(found, modules)
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return found
		}
		directory = parent
	}
}

// locateModule finds the directory of a module inside the SDK as node would from any of the directories.
func locateModule(module string, directories ...string) (string, error) {
	for _, directory := range directories {
		for _, modules := range modulesDirectories(directory) {
			path := filepath.Join(modules, filepath.FromSlash(module))
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	// The engine looks for these words to tell the user of a policy pack what to do.
	return "", fmt.Errorf("Cannot find module '%s' from %s; run `npm ci` in the directory of the package.json",
		module, strings.Join(directories, " or "))
}

// requiredPackages lists the provider plugins of every package installed for the program, with the exact versions
// that the packages were generated from.
func requiredPackages(programDirectory string) ([]*pulumirpc.PackageDependency, error) {
	byPlugin := map[string]*pulumirpc.PackageDependency{}
	for _, modules := range modulesDirectories(programDirectory) {
		packages, err := installedPackages(modules)
		if err != nil {
			return nil, err
		}
		for _, installed := range packages {
			dependency := pluginOf(installed)
			if dependency == nil {
				continue
			}
			key := dependency.Name + "@" + dependency.Version + "/" + dependency.Parameterization.GetName()
			byPlugin[key] = dependency
		}
	}
	dependencies := make([]*pulumirpc.PackageDependency, 0, len(byPlugin))
	for _, dependency := range byPlugin {
		dependencies = append(dependencies, dependency)
	}
	sort.Slice(dependencies, func(i, j int) bool { return dependencies[i].Name < dependencies[j].Name })
	return dependencies, nil
}

func installedPackages(modules string) ([]*manifest, error) {
	var installed []*manifest
	for _, pattern := range []string{"*", "@*/*"} {
		directories, err := filepath.Glob(filepath.Join(modules, pattern))
		if err != nil {
			return nil, err
		}
		for _, directory := range directories {
			parsed, err := readManifest(directory)
			switch {
			case err == nil:
				installed = append(installed, parsed)
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDirectory):
				// A scope, a cache or a stray file: not a package.
			default:
				return nil, err
			}
		}
	}
	return installed, nil
}

func pluginOf(installed *manifest) *pulumirpc.PackageDependency {
	plugin := installed.Pulumi
	if plugin == nil || !plugin.Resource {
		return nil
	}
	name, version := plugin.Name, plugin.Version
	if name == "" {
		name = strings.TrimPrefix(installed.Name, "@pulumi/")
	}
	if version == "" {
		version = installed.Version
	}
	dependency := &pulumirpc.PackageDependency{
		Name: name, Kind: "resource", Version: "v" + strings.TrimPrefix(version, "v"), Server: plugin.Server,
	}
	if parameter := plugin.Parameterization; parameter != nil {
		dependency.Parameterization = &pulumirpc.PackageParameterization{
			Name: parameter.Name, Version: parameter.Version, Value: parameter.Value,
		}
	}
	return dependency
}

// programDependencies lists the packages that the program's package.json names, with the versions installed.
func programDependencies(programDirectory string) ([]*pulumirpc.DependencyInfo, error) {
	program, err := readManifest(programDirectory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(program.Dependencies)+len(program.DevDependencies))
	for _, group := range []map[string]string{program.Dependencies, program.DevDependencies} {
		for name := range group {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	dependencies := make([]*pulumirpc.DependencyInfo, 0, len(names))
	for _, name := range names {
		directory, err := locateModule(name, programDirectory)
		if err != nil {
			continue
		}
		installed, err := readManifest(directory)
		if err != nil {
			return nil, err
		}
		dependencies = append(dependencies, &pulumirpc.DependencyInfo{Name: name, Version: installed.Version})
	}
	return dependencies, nil
}
