package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A read-only registry of an OCI image layout, under every host name: an image is found by its full name, or, on a host
// below example.test (a mirror, or a copy of all images), by its repository path alone.
// Source: https://github.com/opencontainers/distribution-spec, "Pull".
type imageRegistry struct {
	directory string
}

type imageIndex struct {
	Manifests []imageReference `json:"manifests"`
}

type imageReference struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

// The annotation that names an image in full, e.g. `registry.k8s.io/pause:3.10.2`.
const imageName = "org.opencontainers.image.ref.name"

var (
	registryPath = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs|tags)/([^/]+)$`)
	digestForm   = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

func (r *imageRegistry) serve(w http.ResponseWriter, request *http.Request, host string, settings settings) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if request.URL.Path == "/v2/" || request.URL.Path == "/v2" {
		w.WriteHeader(http.StatusOK)
		return
	}
	match := registryPath.FindStringSubmatch(request.URL.Path)
	if match == nil || request.Method != http.MethodGet && request.Method != http.MethodHead {
		registryError(w, http.StatusNotFound, "NAME_UNKNOWN", request.Method+" "+request.URL.Path)
		return
	}
	index, err := r.index()
	if err != nil {
		registryError(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	images := index.of(names(host, request.URL.Query().Get("ns"), match[1]))
	switch kind, reference := match[2], match[3]; kind {
	case "tags":
		sendTags(w, match[1], images)
	case "manifests":
		r.manifest(w, request, images, reference, settings)
	default:
		r.blob(w, request, reference, settings)
	}
}

// The repositories that a request may mean, the most exact first. Docker Hub's registry has another name than its
// images; containerd tells a mirror by `ns` which registry it stands in for.
func names(host, namespace, path string) []string {
	if namespace != "" {
		host = namespace
	}
	if host == "registry-1.docker.io" {
		host = "docker.io"
	}
	repositories := []string{host + "/" + path}
	if strings.HasSuffix(host, ".example.test") {
		repositories = append(repositories, "*/"+path)
	}
	return repositories
}

type image struct {
	imageReference
	repository, tag string
}

func (i imageIndex) of(repositories []string) []image {
	for _, wanted := range repositories {
		var found []image
		for _, reference := range i.Manifests {
			repository, tag, ok := cutLast(reference.Annotations[imageName], ":")
			_, path, _ := strings.Cut(repository, "/")
			if ok && (repository == wanted || "*/"+path == wanted) {
				found = append(found, image{reference, repository, tag})
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

func (r *imageRegistry) index() (imageIndex, error) {
	var index imageIndex
	contents, err := os.ReadFile(filepath.Join(r.directory, "index.json"))
	if err != nil {
		return index, err
	}
	return index, json.Unmarshal(contents, &index)
}

func (r *imageRegistry) manifest(
	w http.ResponseWriter, request *http.Request, images []image, reference string, settings settings,
) {
	chosen := slices.IndexFunc(images, func(i image) bool { return i.tag == reference || i.Digest == reference })
	if chosen < 0 || settings.lacksImage(images[chosen].repository, images[chosen].tag) {
		registryError(w, http.StatusNotFound, "MANIFEST_UNKNOWN", reference)
		return
	}
	w.Header().Set("Content-Type", images[chosen].MediaType)
	w.Header().Set("Docker-Content-Digest", images[chosen].Digest)
	http.ServeFile(w, request, r.file(images[chosen].Digest))
}

func (r *imageRegistry) blob(w http.ResponseWriter, request *http.Request, digest string, settings settings) {
	if !digestForm.MatchString(digest) {
		registryError(w, http.StatusBadRequest, "DIGEST_INVALID", digest)
		return
	}
	if _, err := os.Stat(r.file(digest)); err != nil {
		registryError(w, http.StatusNotFound, "BLOB_UNKNOWN", digest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", digest)
	if rate := settings.ImageBytesPerSecond; rate > 0 {
		w = &slowWriter{ResponseWriter: w, bytesPerSecond: rate}
	}
	http.ServeFile(w, request, r.file(digest))
}

func (r *imageRegistry) file(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return filepath.Join(r.directory, "blobs", algorithm, hex)
}

func sendTags(w http.ResponseWriter, name string, images []image) {
	tags := []string{}
	for _, each := range images {
		tags = append(tags, each.tag)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "tags": tags})
}

func registryError(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	problem := map[string]string{"code": code, "message": strings.ToLower(strings.ReplaceAll(code, "_", " ")), "detail": detail}
	if err := json.NewEncoder(w).Encode(map[string]any{"errors": []any{problem}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// Hides ReadFrom, too, so that every byte passes through Write.
type slowWriter struct {
	http.ResponseWriter
	bytesPerSecond int
}

func (w *slowWriter) Write(body []byte) (int, error) {
	time.Sleep(time.Duration(len(body)) * time.Second / time.Duration(w.bytesPerSecond))
	return w.ResponseWriter.Write(body)
}

var _ io.Writer = (*slowWriter)(nil)
