package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a test may change while hosts are at work. All lists are empty by default.
type settings struct {
	// Addresses of names beside those that resolve to this process, e.g. of a control plane's endpoint.
	Records map[string]string `json:"records"`
	// Packages that the repository does not have: `kubelet` or `kubelet=1.36.3-1.1`.
	MissingPackages []string `json:"missingPackages"`
	// Images that the registry does not have: `registry.k8s.io/pause` or `registry.k8s.io/pause:3.6`.
	MissingImages []string `json:"missingImages"`
	// Host names whose connections are closed without an answer.
	Unreachable []string `json:"unreachable"`
	// Host names that DNS does not know.
	UnknownNames []string `json:"unknownNames"`
	// Bytes a second of each image blob; 0 means as fast as it goes.
	ImageBytesPerSecond int `json:"imageBytesPerSecond"`
}

func (s settings) unreachable(host string) bool { return slices.Contains(s.Unreachable, host) }

func (s settings) lacksPackage(name, version string) bool {
	return slices.Contains(s.MissingPackages, name) || slices.Contains(s.MissingPackages, name+"="+version)
}

func (s settings) lacksImage(repository, reference string) bool {
	separator := ":"
	if strings.HasPrefix(reference, "sha256:") {
		separator = "@"
	}
	return slices.Contains(s.MissingImages, repository) ||
		slices.Contains(s.MissingImages, repository+separator+reference)
}

// A file that is read again whenever it changed.
type settingsFile struct {
	path string

	mutex    sync.Mutex
	modified time.Time
	size     int64
	current  settings
}

func (f *settingsFile) read() (settings, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	status, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.current, f.modified, f.size = settings{}, time.Time{}, 0
		return f.current, nil
	}
	if err != nil {
		return settings{}, err
	}
	if status.ModTime().Equal(f.modified) && status.Size() == f.size {
		return f.current, nil
	}
	contents, err := os.ReadFile(f.path)
	if err != nil {
		return settings{}, err
	}
	var changed settings
	if err := json.Unmarshal(contents, &changed); err != nil {
		return settings{}, fmt.Errorf("%s: %w", f.path, err)
	}
	f.current, f.modified, f.size = changed, status.ModTime(), status.Size()
	return f.current, nil
}
