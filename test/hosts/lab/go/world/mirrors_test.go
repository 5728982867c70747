package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

func TestMirrorKeepsWhatNeverChanges(t *testing.T) {
	asked := map[string]int{}
	var mutex sync.Mutex
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		mutex.Lock()
		asked[request.URL.EscapedPath()]++
		mutex.Unlock()
		if request.URL.Path == "/debian/pool/missing.deb" {
			http.NotFound(w, request)
			return
		}
		_, _ = w.Write([]byte(request.URL.Path))
	}))
	defer upstream.Close()
	mirror := newMirrors(map[string]string{"debian.example.test": upstream.URL}, t.TempDir())
	get := func(path string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		mirror.serve(recorder, httptest.NewRequest(http.MethodGet, "http://debian.example.test"+path, nil), "debian.example.test")
		return recorder
	}
	for path, requests := range map[string]int{
		"/debian/pool/a_1%2b2.deb":                1,
		"/debian/dists/x/by-hash/SHA256/00":       1,
		"/debian/dists/x/InRelease":               3,
		"/debian-security/dists/x/by-hash/SHA/00": 1,
	} {
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if got := get(path); got.Code != http.StatusOK || got.Body.Len() == 0 {
					t.Errorf("%s: %d %q", path, got.Code, got.Body)
				}
			})
		}
		group.Wait()
		if asked[path] != requests {
			t.Errorf("%s: asked %d times, expected %d", path, asked[path], requests)
		}
	}
	if got := get("/debian/pool/missing.deb"); got.Code != http.StatusNotFound {
		t.Errorf("a package that the mirror lacks: %d", got.Code)
	}
	if !mirror.has("debian.example.test") || mirror.has("quay.io") {
		t.Error("the mirror stands for other hosts than its own")
	}
}
