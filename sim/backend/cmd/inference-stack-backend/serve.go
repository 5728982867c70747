package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"inference-stack/sim/backend/internal/api"
)

// shutdownLimit is how long requests under way may take after SIGTERM.
const shutdownLimit = 10 * time.Second

// serve answers on the loopback interface until the context ends, then finishes the requests under way.
func serve(ctx context.Context, service *api.Server, portFile string, log *slog.Logger) error {
	listener, err := listen(portFile)
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	server := &http.Server{
		Handler: service.Handler(), ConnContext: api.ConnContext,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := replaceFile(portFile, strconv.Itoa(port)+"\n"); err != nil {
		return errors.Join(err, server.Close())
	}
	log.Info("listening", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	return server.Shutdown(limited)
}

// listen takes the port of the service before this one, so that an engine under way finds its state again.
func listen(portFile string) (net.Listener, error) {
	if content, err := os.ReadFile(portFile); err == nil {
		if port, err := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 16); err == nil && port > 0 {
			if listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
				return listener, nil
			}
		}
	}
	return net.Listen("tcp4", "127.0.0.1:0")
}

// accessToken reads the token, or makes one on first use.
func accessToken(path string) (string, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		random := make([]byte, 32)
		if _, err := rand.Read(random); err != nil {
			return "", err
		}
		token := hex.EncodeToString(random)
		return token, replaceFile(path, token+"\n")
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(content))
	if info.Mode().Perm()&0o077 != 0 || len(token) < 32 {
		return "", fmt.Errorf("%s must hold a token of 32 characters or more that only its owner can read (mode 0600); "+
			"remove the file to get a new one", path)
	}
	return token, nil
}

// replaceFile never shows a half-written file to whoever waits for it.
func replaceFile(path, content string) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// engineVersion is that of the engine's module in this build.
func engineVersion() string {
	build, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range build.Deps {
			if module.Path == "github.com/pulumi/pulumi/pkg/v3" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "0.0.0"
}
