package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

const testIndex = `Package: kubelet
Version: 1.36.2-1.1
Filename: amd64/kubelet_1.36.2-1.1_amd64.deb

Package: kubelet
Version: 1.36.3-1.1
Filename: amd64/kubelet_1.36.3-1.1_amd64.deb

Package: kubectl
Version: 1.36.3-1.1
Filename: amd64/kubectl_1.36.3-1.1_amd64.deb
`

const (
	testDockerIndex   = "dists/bookworm/stable/binary-" + architecture + "/Packages"
	testDockerPackage = "dists/bookworm/pool/stable/containerd.io_2.0~debian.12.deb"
)

const testPrefix = packagesStorePrefix + "/core:/stable:/v1.36/deb/"

// One for all tests: making a signing key takes a while.
var testAuthority = sync.OnceValues(func() (*authority, error) {
	directory, err := os.MkdirTemp("", "world-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	return openAuthority(directory)
})

func testRepository(t *testing.T) *packageRepositories {
	t.Helper()
	directory := t.TempDir()
	for name, contents := range map[string]string{
		"v1.36/Packages": testIndex,
		"v1.36/amd64/kubelet_1.36.3-1.1_amd64.deb": "a package",
		"docker/" + testDockerIndex:                "Package: containerd.io\nVersion: 2.0\nFilename: " + testDockerPackage + "\n",
		"docker/" + testDockerPackage:              "another package",
	} {
		file := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(contents), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	authority, err := testAuthority()
	if err != nil {
		t.Fatal(err)
	}
	repository, err := newPackageRepositories(directory, filepath.Join(directory, "docker"), authority)
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

func get(repository *packageRepositories, host, path string, settings settings) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	repository.serve(recorder, httptest.NewRequest(http.MethodGet, "https://"+host+path, nil), host, settings)
	return recorder
}

func TestRepositoryIsSignedByItsPublishedKey(t *testing.T) {
	repository := testRepository(t)
	key := get(repository, packagesStore, testPrefix+"Release.key", settings{})
	keys, err := openpgp.ReadArmoredKeyRing(key.Body)
	if err != nil {
		t.Fatal(err)
	}
	release := get(repository, packagesStore, testPrefix+"InRelease", settings{})
	block, _ := clearsign.Decode(release.Body.Bytes())
	if block == nil {
		t.Fatalf("InRelease is not signed: %d %s", release.Code, release.Body)
	}
	if _, err := block.VerifySignature(keys, nil); err != nil {
		t.Errorf("InRelease: %v", err)
	}
	plain := get(repository, packagesStore, testPrefix+"Release", settings{}).Body.Bytes()
	signature := get(repository, packagesStore, testPrefix+"Release.gpg", settings{})
	if _, err := openpgp.CheckArmoredDetachedSignature(keys, bytes.NewReader(plain), signature.Body, nil); err != nil {
		t.Errorf("Release.gpg: %v", err)
	}
	if !bytes.Contains(block.Plaintext, []byte(" Packages.gz\n")) {
		t.Errorf("InRelease names no Packages.gz: %s", block.Plaintext)
	}
}

func TestRepositoryRedirectsAsTheOfficialOneDoes(t *testing.T) {
	response := get(testRepository(t), packagesHost, "/core:/stable:/v1.36/deb/Release.key", settings{})
	want := "https://" + packagesStore + testPrefix + "Release.key"
	if response.Code != http.StatusFound || response.Header().Get("Location") != want {
		t.Errorf("%d to %s, expected %s", response.Code, response.Header().Get("Location"), want)
	}
}

func TestRepositoryServesWhatItLists(t *testing.T) {
	repository := testRepository(t)
	for path, want := range map[string]int{
		"amd64/kubelet_1.36.3-1.1_amd64.deb": http.StatusOK,
		"amd64/unlisted_1.0_amd64.deb":       http.StatusNotFound,
		"../v1.36/Packages":                  http.StatusNotFound,
		"":                                   http.StatusNotFound,
	} {
		if response := get(repository, packagesStore, testPrefix+path, settings{}); response.Code != want {
			t.Errorf("%q: %d, expected %d", path, response.Code, want)
		}
	}
	other := packagesStorePrefix + "/core:/stable:/v1.35/deb/InRelease"
	if response := get(repository, packagesStore, other, settings{}); response.Code != http.StatusNotFound {
		t.Errorf("another minor version: %d", response.Code)
	}
}

func TestRepositoryLacksWhatSettingsSay(t *testing.T) {
	repository := testRepository(t)
	for missing, gone := range map[string][]string{
		"kubelet":            {"kubelet_1.36.2", "kubelet_1.36.3"},
		"kubelet=1.36.3-1.1": {"kubelet_1.36.3"},
		"kubeadm":            {},
	} {
		lacking := settings{MissingPackages: []string{missing}}
		index := get(repository, packagesStore, testPrefix+"Packages", lacking).Body.String()
		for _, name := range []string{"kubelet_1.36.2", "kubelet_1.36.3", "kubectl_1.36.3"} {
			expected := true
			for _, each := range gone {
				expected = expected && each != name
			}
			if strings.Contains(index, name) != expected {
				t.Errorf("without %s, %s is listed: %t", missing, name, !expected)
			}
		}
	}
	lacking := settings{MissingPackages: []string{"kubelet"}}
	file := get(repository, packagesStore, testPrefix+"amd64/kubelet_1.36.3-1.1_amd64.deb", lacking)
	if file.Code != http.StatusNotFound {
		t.Errorf("a missing package is served: %d", file.Code)
	}
}

func TestDockersRepositoryHasASuiteThatItsKeySigns(t *testing.T) {
	repository := testRepository(t)
	keys, err := openpgp.ReadArmoredKeyRing(get(repository, dockerHost, dockerPrefix+"gpg", settings{}).Body)
	if err != nil {
		t.Fatal(err)
	}
	release := get(repository, dockerHost, dockerPrefix+"dists/bookworm/InRelease", settings{})
	block, _ := clearsign.Decode(release.Body.Bytes())
	if block == nil {
		t.Fatalf("InRelease is not signed: %d %s", release.Code, release.Body)
	}
	if _, err := block.VerifySignature(keys, nil); err != nil {
		t.Errorf("InRelease: %v", err)
	}
	for _, line := range []string{"\nCodename: bookworm\n", "\nComponents: stable\n", " stable/binary-" + architecture + "/Packages\n"} {
		if !bytes.Contains(block.Plaintext, []byte(line)) {
			t.Errorf("Release lacks %q: %s", line, block.Plaintext)
		}
	}
}

func TestDockersRepositoryServesWhatASuiteLists(t *testing.T) {
	repository := testRepository(t)
	for path, want := range map[string]int{
		testDockerPackage:                                http.StatusOK,
		testDockerIndex:                                  http.StatusOK,
		testDockerIndex + ".gz":                          http.StatusOK,
		"dists/bookworm/pool/stable/unlisted.deb":        http.StatusNotFound,
		"dists/unknown/InRelease":                        http.StatusNotFound,
		strings.Replace(testDockerPackage, "/", "//", 1): http.StatusNotFound,
	} {
		if response := get(repository, dockerHost, dockerPrefix+path, settings{}); response.Code != want {
			t.Errorf("%q: %d, expected %d", path, response.Code, want)
		}
	}
	lacking := settings{MissingPackages: []string{"containerd.io"}}
	if response := get(repository, dockerHost, dockerPrefix+testDockerPackage, lacking); response.Code != http.StatusNotFound {
		t.Errorf("a missing package is served: %d", response.Code)
	}
}

func TestDockersRepositoryIsThereWhenItIsAskedFor(t *testing.T) {
	with, without := &packageRepositories{docker: "/docker"}, &packageRepositories{}
	if !with.has(dockerHost) || without.has(dockerHost) || !without.has(packagesHost) {
		t.Errorf("with: %v, without: %v", with.hosts(), without.hosts())
	}
}

func TestAuthorityStaysTheSame(t *testing.T) {
	directory := t.TempDir()
	first, err := openAuthority(directory)
	if err != nil {
		t.Fatal(err)
	}
	second, err := openAuthority(directory)
	if err != nil {
		t.Fatal(err)
	}
	if !first.certificate.Equal(second.certificate) ||
		first.signer.PrimaryKey.KeyId != second.signer.PrimaryKey.KeyId {
		t.Error("another process has other keys")
	}
}
