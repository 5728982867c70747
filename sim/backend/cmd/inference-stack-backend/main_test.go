package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inference-stack/sim/backend/internal/store"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func testOptions(t *testing.T) options {
	directory := t.TempDir()
	return options{
		data: filepath.Join(directory, "data"), portFile: filepath.Join(directory, "port"),
		tokenFile: filepath.Join(directory, "token"), lease: store.DefaultLease,
	}
}

// start runs the service until stop is called, which gives run's error. It returns when the service answers.
func start(t *testing.T, o options) (port string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, o, quiet) }()
	deadline := time.Now().Add(10 * time.Second)
	for {
		content, err := os.ReadFile(o.portFile)
		port = strings.TrimSpace(string(content))
		if err == nil {
			if answer, err := http.Get("http://127.0.0.1:" + port + "/api/user"); err == nil {
				_ = answer.Body.Close()
				break
			}
		}
		select {
		case err := <-ended:
			t.Fatalf("the service ended: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the service does not answer")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return port, func() error {
		cancel()
		return <-ended
	}
}

func TestServiceTakesItsPortAndTokenAgain(t *testing.T) {
	o := testOptions(t)
	first, stop := start(t, o)
	token, err := os.ReadFile(o.tokenFile)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(o.tokenFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	second, stop := start(t, o)
	again, err := os.ReadFile(o.tokenFile)
	if err != nil || string(again) != string(token) || first != second {
		t.Fatalf("%v; token kept: %v; ports %s and %s", err, string(again) == string(token), first, second)
	}
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+second+"/api/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+strings.TrimSpace(string(token)))
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	_ = answer.Body.Close()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestAPortTakenByAnotherIsLeftAlone(t *testing.T) {
	one, two := testOptions(t), testOptions(t)
	first, stopFirst := start(t, one)
	if err := os.WriteFile(two.portFile, []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, two, quiet) }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		content, err := os.ReadFile(two.portFile)
		if err == nil && strings.TrimSpace(string(content)) != first {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the second service never chose another port")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := stopFirst(); err != nil {
		t.Fatal(err)
	}
}

func TestSecondInstanceIsRefused(t *testing.T) {
	o := testOptions(t)
	_, stop := start(t, o)
	other := testOptions(t)
	other.data = o.data
	if err := run(t.Context(), other, quiet); err == nil || !strings.Contains(err.Error(), "in use by the service") {
		t.Fatalf("got %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	readable, short := testOptions(t), testOptions(t)
	for path, mode := range map[string]os.FileMode{readable.tokenFile: 0o644, short.tokenFile: 0o600} {
		content := strings.Repeat("a", 64)
		if path == short.tokenFile {
			content = "short"
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	impatient := testOptions(t)
	impatient.lease = time.Minute
	for words, o := range map[string]options{
		"are required": {}, "mode 0600": readable, "32 characters": short, "--lease 1m0s is below 4m": impatient,
	} {
		if err := run(t.Context(), o, quiet); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("want an error with %q, got %v", words, err)
		}
	}
}
