package main

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	// The name in users' apt sources, which only redirects …
	packagesHost = "pkgs.k8s.io"
	// … to the servers that have the files.
	packagesStore       = "prod-cdn.packages.k8s.io"
	packagesStorePrefix = "/repositories/isv:/kubernetes:"
)

var packagesPath = regexp.MustCompile(`^/core:/stable:/(v\d+\.\d+)/deb/(.*)$`)

// The Kubernetes community's repository: a flat one a minor version, as `deb https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /`
// names it. Its lists are made and signed when they are asked for, so that a package can go missing at any time.
type packageRepository struct {
	directory string
	authority *authority
	publicKey []byte
	started   time.Time

	mutex sync.Mutex
	lists map[string]map[string][]byte
}

func newPackageRepository(directory string, authority *authority) (*packageRepository, error) {
	key, err := armored(openpgp.PublicKeyType, func(w *bytes.Buffer) error { return authority.signer.Serialize(w) })
	return &packageRepository{
		directory: directory, authority: authority, publicKey: key, started: time.Now(),
		lists: map[string]map[string][]byte{},
	}, err
}

func (r *packageRepository) serve(w http.ResponseWriter, request *http.Request, host string, settings settings) {
	path := request.URL.Path
	if host == packagesHost {
		http.Redirect(w, request, "https://"+packagesStore+packagesStorePrefix+path, http.StatusFound)
		return
	}
	match := packagesPath.FindStringSubmatch(strings.TrimPrefix(path, packagesStorePrefix))
	if match == nil {
		http.NotFound(w, request)
		return
	}
	minor, file := match[1], match[2]
	lists, err := r.listsOf(minor, settings)
	if err != nil {
		http.NotFound(w, request)
		return
	}
	if contents, found := lists[file]; found {
		http.ServeContent(w, request, file, r.started, bytes.NewReader(contents))
		return
	}
	if strings.Contains(string(lists["Packages"]), "\nFilename: "+file+"\n") {
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeFile(w, request, filepath.Join(r.directory, minor, filepath.FromSlash(file)))
		return
	}
	http.NotFound(w, request)
}

// The list files of one minor version by name.
func (r *packageRepository) listsOf(minor string, settings settings) (map[string][]byte, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	missing := slices.Sorted(slices.Values(settings.MissingPackages))
	key := minor + " " + strings.Join(missing, " ")
	if lists, found := r.lists[key]; found {
		return lists, nil
	}
	index, err := os.ReadFile(filepath.Join(r.directory, minor, "Packages"))
	if err != nil {
		return nil, err
	}
	lists, err := r.sign(minor, without(index, settings))
	if err != nil {
		return nil, err
	}
	r.lists[key] = lists
	return lists, nil
}

func without(index []byte, settings settings) []byte {
	var kept bytes.Buffer
	for stanza := range strings.SplitSeq(strings.TrimSpace(string(index)), "\n\n") {
		if !settings.lacksPackage(field(stanza, "Package"), field(stanza, "Version")) {
			kept.WriteString(strings.TrimSpace(stanza) + "\n\n")
		}
	}
	return kept.Bytes()
}

func field(stanza, name string) string {
	for line := range strings.Lines(stanza) {
		if value, found := strings.CutPrefix(line, name+": "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (r *packageRepository) sign(minor string, index []byte) (map[string][]byte, error) {
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	if _, err := zip.Write(index); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	lists := map[string][]byte{"Packages": index, "Packages.gz": compressed.Bytes(), "Release.key": r.publicKey}
	release := r.release(minor, lists)
	lists["Release"] = release
	config := &packet.Config{DefaultHash: crypto.SHA256}
	var inline, detached bytes.Buffer
	w, err := clearsign.Encode(&inline, r.authority.signer.PrivateKey, config)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(release); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err = openpgp.ArmoredDetachSign(&detached, r.authority.signer, bytes.NewReader(release), config)
	lists["InRelease"] = append(inline.Bytes(), '\n')
	lists["Release.gpg"] = append(detached.Bytes(), '\n')
	return lists, err
}

func (r *packageRepository) release(minor string, lists map[string][]byte) []byte {
	var release bytes.Buffer
	name := "isv:kubernetes:core:stable:" + minor
	fmt.Fprintf(&release, "Archive: deb\nCodename: deb\nOrigin: %s\nLabel: %s\nArchitectures: amd64 arm64\nDate: %s\n",
		name, name, r.started.UTC().Format(time.RFC1123))
	release.WriteString("Description: Kubernetes " + minor + " packages of the test lab\nSHA256:\n")
	for _, name := range []string{"Packages", "Packages.gz"} {
		fmt.Fprintf(&release, " %x %d %s\n", sha256.Sum256(lists[name]), len(lists[name]), name)
	}
	return release.Bytes()
}
