package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testRegistry(t *testing.T, names ...string) *imageRegistry {
	t.Helper()
	registry := &imageRegistry{directory: t.TempDir()}
	var index imageIndex
	for _, name := range names {
		body := []byte(`{"name": "` + name + `"}`)
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(body))
		if err := os.MkdirAll(filepath.Dir(registry.file(digest)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(registry.file(digest), body, 0o644); err != nil {
			t.Fatal(err)
		}
		index.Manifests = append(index.Manifests, imageReference{
			MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest,
			Annotations: map[string]string{imageName: name},
		})
	}
	contents, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(registry.directory, "index.json"), contents, 0o644); err != nil {
		t.Fatal(err)
	}
	return registry
}

func pull(registry *imageRegistry, address string, settings settings) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "https://"+address, nil)
	registry.serve(recorder, request, request.Host, settings)
	return recorder
}

func TestRegistryFindsImagesByTheirFullName(t *testing.T) {
	registry := testRegistry(t, "registry.k8s.io/pause:3.6", "docker.io/vllm/vllm-openai:v1", "quay.io/pause:3.6")
	for address, want := range map[string]string{
		"registry.k8s.io/v2/pause/manifests/3.6":                               "registry.k8s.io/pause:3.6",
		"quay.io/v2/pause/manifests/3.6":                                       "quay.io/pause:3.6",
		"registry-1.docker.io/v2/vllm/vllm-openai/manifests/v1":                "docker.io/vllm/vllm-openai:v1",
		"mirror.example.test/v2/pause/manifests/3.6?ns=quay.io":                "quay.io/pause:3.6",
		"mirror.example.test/v2/vllm/vllm-openai/manifests/v1":                 "docker.io/vllm/vllm-openai:v1",
		"mirror.example.test/v2/vllm/vllm-openai/manifests/v1?ns=docker.io":    "docker.io/vllm/vllm-openai:v1",
		"registry.k8s.io/v2/pause/manifests/3.7":                               "",
		"ghcr.io/v2/pause/manifests/3.6":                                       "",
		"registry.k8s.io/v2/pause/blobs/sha256:" + strings.Repeat("0", 64):     "",
		"registry.k8s.io/v2/pause/blobs/..%2f..%2findex.json":                  "",
		"registry.k8s.io/v2/pause/manifests/sha256:" + strings.Repeat("0", 64): "",
	} {
		response := pull(registry, address, settings{})
		if want == "" {
			if response.Code < 400 || !strings.Contains(response.Body.String(), "errors") {
				t.Errorf("%s: %d %s", address, response.Code, response.Body)
			}
			continue
		}
		if response.Code != http.StatusOK || response.Body.String() != `{"name": "`+want+`"}` {
			t.Errorf("%s: %d %s", address, response.Code, response.Body)
		}
		digest := response.Header().Get("Docker-Content-Digest")
		if got := fmt.Sprintf("sha256:%x", sha256.Sum256(response.Body.Bytes())); got != digest {
			t.Errorf("%s: digest %s, contents %s", address, digest, got)
		}
	}
}

func TestRegistryAnswersTheVersionCheck(t *testing.T) {
	if response := pull(testRegistry(t), "quay.io/v2/", settings{}); response.Code != http.StatusOK {
		t.Errorf("%d", response.Code)
	}
}

func TestRegistryLacksWhatSettingsSay(t *testing.T) {
	registry := testRegistry(t, "registry.k8s.io/pause:3.6", "registry.k8s.io/pause:3.10")
	for missing, want := range map[string][2]int{
		"registry.k8s.io/pause":     {http.StatusNotFound, http.StatusNotFound},
		"registry.k8s.io/pause:3.6": {http.StatusNotFound, http.StatusOK},
		"quay.io/pause":             {http.StatusOK, http.StatusOK},
	} {
		for i, tag := range []string{"3.6", "3.10"} {
			lacking := settings{MissingImages: []string{missing}}
			if got := pull(registry, "registry.k8s.io/v2/pause/manifests/"+tag, lacking).Code; got != want[i] {
				t.Errorf("without %s, pause:%s: %d, expected %d", missing, tag, got, want[i])
			}
		}
	}
}
