// World is the part of the internet that the lab's hosts see, at one address of the machine: DNS that knows a few
// names, image registries, the package repositories of Kubernetes and Docker, and the machine's Debian mirror. Names
// resolve to this process and TLS certificates come from an authority that the hosts trust, so a provisioner runs with
// its default URLs.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// The configuration is one JSON object in the file that is the only argument.
type configuration struct {
	// Address to listen on: 53 (UDP), 80 and 443.
	Address string `json:"address"`
	// Directory of the certificate authority and of the signing key, both made when they are missing.
	Authority string `json:"authority"`
	// Directory with a package repository for each `v<minor>` of Kubernetes, whose lists are not signed yet.
	Packages string `json:"packages"`
	// Directory of Docker's package repository, likewise; "" where hosts shall not find one.
	Docker string `json:"docker"`
	// Directory of images: blobs/sha256/ and index.json.
	Images string `json:"images"`
	// Directory that keeps what the Debian mirror gave.
	MirrorCache string `json:"mirrorCache"`
	// Upstream base URLs by the host name that hosts ask for.
	Mirrors map[string]string `json:"mirrors"`
	// More names that resolve to this process. A leading dot stands for all names below.
	Names []string `json:"names"`
	// File with the settings that may change at any time; it may be missing.
	Settings string `json:"settings"`
	// File that gets a JSON line for each request and each DNS question.
	Log string `json:"log"`
	// Whether this process ends when its stdin does, so that it never outlives the one that started it.
	EndWithStdin bool `json:"endWithStdin"`
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "authority" {
		if _, err := openAuthority(os.Args[2]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if len(os.Args) != 2 {
		log.Fatal("usage: world CONFIGURATION_FILE | world authority DIRECTORY")
	}
	config, err := readConfiguration(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() { ready <- serve(config) }()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	orphaned := make(chan struct{})
	if config.EndWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(orphaned)
		}()
	}
	select {
	case err := <-ready:
		log.Fatal(err)
	case <-signals:
	case <-orphaned:
	}
}

func readConfiguration(file string) (configuration, error) {
	var config configuration
	contents, err := os.ReadFile(file)
	if err != nil {
		return config, err
	}
	if err := json.Unmarshal(contents, &config); err != nil {
		return config, fmt.Errorf("%s: %w", file, err)
	}
	return config, nil
}

// Listens on all ports first, then says "ready" on stdout, and returns when one of the servers fails.
func serve(config configuration) error {
	authority, err := openAuthority(config.Authority)
	if err != nil {
		return err
	}
	packages, err := newPackageRepositories(config.Packages, config.Docker, authority)
	if err != nil {
		return err
	}
	requests, err := openRequestLog(config.Log)
	if err != nil {
		return err
	}
	settings := &settingsFile{path: config.Settings}
	plain, err := net.Listen("tcp", net.JoinHostPort(config.Address, "80"))
	if err != nil {
		return err
	}
	encrypted, err := net.Listen("tcp", net.JoinHostPort(config.Address, "443"))
	if err != nil {
		return err
	}
	names, err := net.ListenPacket("udp", net.JoinHostPort(config.Address, "53"))
	if err != nil {
		return err
	}
	handler := requests.wrap(&router{
		mirrors:  newMirrors(config.Mirrors, config.MirrorCache),
		packages: packages,
		images:   &imageRegistry{directory: config.Images},
		settings: settings,
	})
	failed := make(chan error, 3)
	serveHTTP := func(listener net.Listener) {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.Default()}
		failed <- server.Serve(listener)
	}
	go serveHTTP(plain)
	go serveHTTP(tls.NewListener(encrypted, &tls.Config{GetCertificate: authority.certificateFor, NextProtos: []string{"http/1.1"}}))
	go func() {
		failed <- (&nameServer{
			address: net.ParseIP(config.Address), known: slices.Concat(packages.hosts(), slices.Collect(maps.Keys(config.Mirrors)), config.Names),
			settings: settings, log: requests,
		}).serve(names)
	}()
	fmt.Println("ready")
	return <-failed
}

// Hands each request to the server that its host name stands for.
type router struct {
	mirrors  *mirrors
	packages *packageRepositories
	images   *imageRegistry
	settings *settingsFile
}

func (r *router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	host := hostName(request)
	settings, err := r.settings.read()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch {
	case settings.unreachable(host):
		abort(w)
	case r.mirrors.has(host):
		r.mirrors.serve(w, request, host)
	case r.packages.has(host):
		r.packages.serve(w, request, host, settings)
	default:
		r.images.serve(w, request, host, settings)
	}
}

func hostName(request *http.Request) string {
	if host, _, err := net.SplitHostPort(request.Host); err == nil {
		return host
	}
	return request.Host
}

// Closes the connection without an answer, as a broken network does.
func abort(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = connection.Close()
}
