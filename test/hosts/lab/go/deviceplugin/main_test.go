package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCountGPUs(t *testing.T) {
	directory := t.TempDir()
	for name, device := range map[string][2]string{
		"0000:05:00.0": {"0x1002", "0x120000"}, // accelerator
		"0000:26:00.0": {"0x1002", "0x038000"}, // display controller
		"0000:27:00.0": {"0x1002", "0x060400"}, // bridge
		"0000:46:00.0": {"0x10de", "0x030200"},
	} {
		if err := os.Mkdir(filepath.Join(directory, name), 0o755); err != nil {
			t.Fatal(err)
		}
		for i, file := range []string{"vendor", "class"} {
			if err := os.WriteFile(filepath.Join(directory, name, file), []byte(device[i]+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for resource, want := range map[string]int{"amd.com/gpu": 2, "nvidia.com/gpu": 1} {
		if got, err := countGPUs(directory, vendors[resource]); err != nil || got != want {
			t.Errorf("%s: %d, %v, expected %d", resource, got, err, want)
		}
	}
	if _, err := countGPUs(filepath.Join(directory, "missing"), vendors["amd.com/gpu"]); err == nil {
		t.Error("no error without a PCI tree")
	}
}
