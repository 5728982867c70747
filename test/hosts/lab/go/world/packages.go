package main

import (
	"bytes"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// The name in users' apt sources, which only redirects …
	packagesHost = "pkgs.k8s.io"
	// … to the servers that have the files.
	packagesStore       = "prod-cdn.packages.k8s.io"
	packagesStorePrefix = "/repositories/isv:/kubernetes:"

	// Where containerd 2 comes from, see https://docs.docker.com/engine/install/debian/.
	dockerHost   = "download.docker.com"
	dockerPrefix = "/linux/debian/"
	dockerKey    = "gpg"
)

var (
	packagesPath = regexp.MustCompile(`^/core:/stable:/(v\d+\.\d+)/deb/(.*)$`)
	dockerPath   = regexp.MustCompile(`^dists/([a-z]+)/(.*)$`)
)

// The package repositories beyond the distribution's own.
type packageRepositories struct {
	// Directory with a repository for each `v<minor>`.
	kubernetes string
	// Directory of Docker's repository; "" where there is none.
	docker string
	lists  *signedLists
}

func newPackageRepositories(kubernetes, docker string, authority *authority) (*packageRepositories, error) {
	lists, err := newSignedLists(authority)
	return &packageRepositories{kubernetes: kubernetes, docker: docker, lists: lists}, err
}

func (r *packageRepositories) hosts() []string {
	hosts := []string{packagesHost, packagesStore}
	if r.docker != "" {
		hosts = append(hosts, dockerHost)
	}
	return hosts
}

func (r *packageRepositories) has(host string) bool { return slices.Contains(r.hosts(), host) }

func (r *packageRepositories) serve(w http.ResponseWriter, request *http.Request, host string, settings settings) {
	switch host {
	case packagesHost:
		address := "https://" + packagesStore + packagesStorePrefix + request.URL.Path
		http.Redirect(w, request, address, http.StatusFound)
	case packagesStore:
		r.serveKubernetes(w, request, strings.TrimPrefix(request.URL.Path, packagesStorePrefix), settings)
	default:
		r.serveDocker(w, request, strings.TrimPrefix(request.URL.Path, dockerPrefix), settings)
	}
}

// The Kubernetes community's repository: a flat one a minor version, as
// `deb https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /` names it.
func (r *packageRepositories) serveKubernetes(w http.ResponseWriter, request *http.Request, path string, settings settings) {
	match := packagesPath.FindStringSubmatch(path)
	if match == nil {
		http.NotFound(w, request)
		return
	}
	minor, file := match[1], match[2]
	name := "isv:kubernetes:core:stable:" + minor
	r.serveFile(w, request, repository{
		directory: filepath.Join(r.kubernetes, minor),
		index:     "Packages",
		key:       "Release.key",
		header:    "Archive: deb\nCodename: deb\nOrigin: " + name + "\nLabel: " + name + "\n",
	}, file, file, settings)
}

// Docker's repository: a suite a release of Debian, as `deb https://download.docker.com/linux/debian bookworm stable`
// names it. Packages lie below dists/, too.
func (r *packageRepositories) serveDocker(w http.ResponseWriter, request *http.Request, path string, settings settings) {
	if path == dockerKey {
		r.send(w, request, path, r.lists.publicKey)
		return
	}
	match := dockerPath.FindStringSubmatch(path)
	if match == nil {
		http.NotFound(w, request)
		return
	}
	suite := match[1]
	r.serveFile(w, request, repository{
		directory: r.docker,
		index:     "dists/" + suite + "/stable/binary-" + architecture + "/Packages",
		root:      "dists/" + suite + "/",
		header:    "Origin: Docker\nLabel: Docker CE\nSuite: " + suite + "\nCodename: " + suite + "\nComponents: stable\n",
	}, path, match[2], settings)
}

// Serves a list by its name in the repository's Release, or a package by its path, when the repository lists it.
func (r *packageRepositories) serveFile(
	w http.ResponseWriter, request *http.Request, repository repository, path, name string, settings settings,
) {
	lists, err := r.lists.of(repository, settings)
	if err != nil {
		http.NotFound(w, request)
		return
	}
	if contents, found := lists[name]; found {
		r.send(w, request, name, contents)
		return
	}
	index := lists[repository.indexName()]
	if !bytes.Contains(index, []byte("\nFilename: "+path+"\n")) {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, request, filepath.Join(repository.directory, filepath.FromSlash(path)))
}

func (r *packageRepositories) send(w http.ResponseWriter, request *http.Request, name string, contents []byte) {
	http.ServeContent(w, request, name, r.lists.started.Truncate(time.Second), bytes.NewReader(contents))
}
