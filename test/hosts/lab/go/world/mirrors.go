package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Passes requests for the Debian mirror on, and keeps what never changes under its name: packages and lists by hash.
type mirrors struct {
	upstream map[string]string
	cache    string

	mutex    sync.Mutex
	fetching map[string]*sync.Mutex
}

func newMirrors(upstream map[string]string, cache string) *mirrors {
	return &mirrors{upstream: upstream, cache: cache, fetching: map[string]*sync.Mutex{}}
}

func (m *mirrors) has(host string) bool {
	_, found := m.upstream[host]
	return found
}

func (m *mirrors) serve(w http.ResponseWriter, request *http.Request, host string) {
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		http.Error(w, "a mirror is only read", http.StatusMethodNotAllowed)
		return
	}
	// The raw path: a mirror may tell %2b from +.
	address := m.upstream[host] + request.URL.EscapedPath()
	if !unchanging(request.URL.Path) {
		m.pass(w, request, address)
		return
	}
	file, err := m.fetch(address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if file == "" {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, request, file)
}

func unchanging(path string) bool {
	return strings.HasSuffix(path, ".deb") || strings.Contains(path, "/by-hash/")
}

func (m *mirrors) pass(w http.ResponseWriter, request *http.Request, address string) {
	upstream, err := http.NewRequestWithContext(request.Context(), request.Method, address, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for _, name := range []string{"If-Modified-Since", "Range", "If-Range"} {
		if value := request.Header.Get(name); value != "" {
			upstream.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(upstream)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	for _, name := range []string{"Last-Modified", "Content-Type", "Content-Length", "Content-Range"} {
		if value := response.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

// The file that holds an address's contents, fetched once however many hosts ask; "" when the mirror has no such file.
func (m *mirrors) fetch(address string) (string, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(address))
	file := filepath.Join(m.cache, hex.EncodeToString(digest[:8])+"-"+filepath.Base(parsed.Path))
	m.mutex.Lock()
	one := m.fetching[file]
	if one == nil {
		one = &sync.Mutex{}
		m.fetching[file] = one
	}
	m.mutex.Unlock()
	one.Lock()
	defer one.Unlock()
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	return download(address, file)
}

func download(address, file string) (string, error) {
	response, err := http.Get(address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", address, response.Status)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".part-")
	if err != nil {
		return "", err
	}
	defer os.Remove(temporary.Name())
	defer temporary.Close()
	if _, err := io.Copy(temporary, response.Body); err != nil {
		return "", fmt.Errorf("%s: %w", address, err)
	}
	return file, os.Rename(temporary.Name(), file)
}
