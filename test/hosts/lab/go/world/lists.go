package main

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Debian calls the architectures that this compiles for as Go does.
const architecture = runtime.GOARCH

// An apt repository, or one suite of it.
type repository struct {
	// What the paths of packages are relative to.
	directory string
	// The Packages file that was made with the packages, relative to the directory.
	index string
	// Directory of Release and of the lists, with a slash at its end; "" in a flat repository.
	root string
	// Name of the signing key among the lists, where it lies there.
	key string
	// Fields of Release that say whose repository it is.
	header string
}

// Name of the index in Release.
func (r repository) indexName() string { return strings.TrimPrefix(r.index, r.root) }

// The lists of apt repositories. They are made and signed when they are asked for, so that a package can go missing at
// any time.
type signedLists struct {
	signer    *openpgp.Entity
	publicKey []byte
	started   time.Time

	mutex sync.Mutex
	made  map[string]map[string][]byte
}

func newSignedLists(authority *authority) (*signedLists, error) {
	key, err := armored(openpgp.PublicKeyType, func(w *bytes.Buffer) error { return authority.signer.Serialize(w) })
	return &signedLists{
		signer: authority.signer, publicKey: key, started: time.Now(), made: map[string]map[string][]byte{},
	}, err
}

// The list files of one repository by their names in Release.
func (l *signedLists) of(repository repository, settings settings) (map[string][]byte, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	file := filepath.Join(repository.directory, filepath.FromSlash(repository.index))
	missing := slices.Sorted(slices.Values(settings.MissingPackages))
	key := file + " " + strings.Join(missing, " ")
	if lists, found := l.made[key]; found {
		return lists, nil
	}
	index, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lists, err := l.sign(repository, without(index, settings))
	if err != nil {
		return nil, err
	}
	l.made[key] = lists
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

func (l *signedLists) sign(repository repository, index []byte) (map[string][]byte, error) {
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	if _, err := zip.Write(index); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	name := repository.indexName()
	lists := map[string][]byte{name: index, name + ".gz": compressed.Bytes()}
	release := l.release(repository, lists)
	if repository.key != "" {
		lists[repository.key] = l.publicKey
	}
	lists["Release"] = release
	config := &packet.Config{DefaultHash: crypto.SHA256}
	var inline, detached bytes.Buffer
	w, err := clearsign.Encode(&inline, l.signer.PrivateKey, config)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(release); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err = openpgp.ArmoredDetachSign(&detached, l.signer, bytes.NewReader(release), config)
	lists["InRelease"] = append(inline.Bytes(), '\n')
	lists["Release.gpg"] = append(detached.Bytes(), '\n')
	return lists, err
}

func (l *signedLists) release(repository repository, lists map[string][]byte) []byte {
	var release bytes.Buffer
	fmt.Fprintf(&release, "%sArchitectures: amd64 arm64\nDate: %s\n", repository.header, l.started.UTC().Format(time.RFC1123))
	release.WriteString("Description: packages of the test lab\nSHA256:\n")
	name := repository.indexName()
	for _, name := range []string{name, name + ".gz"} {
		fmt.Fprintf(&release, " %x %d %s\n", sha256.Sum256(lists[name]), len(lists[name]), name)
	}
	return release.Bytes()
}
