// The CNI plugin `flannel`: reads the subnet that flanneld wrote and hands over to another plugin, `bridge` unless its
// configuration says so. Same configuration and files as flannel-io/cni-plugin, which no module proxy serves.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

type configuration struct {
	types.NetConf
	SubnetFile    string         `json:"subnetFile"`
	DataDir       string         `json:"dataDir"`
	Delegate      map[string]any `json:"delegate"`
	RuntimeConfig map[string]any `json:"runtimeConfig"`
}

func main() {
	functions := skel.CNIFuncs{Add: add, Check: check, Del: remove}
	skel.PluginMainFuncs(functions, version.All, "CNI plugin flannel of the test lab")
}

func read(stdin []byte) (*configuration, error) {
	conf := &configuration{SubnetFile: "/run/flannel/subnet.env", DataDir: "/var/lib/cni/flannel"}
	if err := json.Unmarshal(stdin, conf); err != nil {
		return nil, fmt.Errorf("network configuration: %w", err)
	}
	return conf, nil
}

func add(args *skel.CmdArgs) error {
	conf, err := read(args.StdinData)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(conf.SubnetFile)
	if err != nil {
		return fmt.Errorf("flanneld has not written its subnet yet: %w", err)
	}
	subnet, err := parseSubnet(string(file))
	if err != nil {
		return fmt.Errorf("%s: %w", conf.SubnetFile, err)
	}
	delegate := delegateConfiguration(conf, subnet)
	body, err := json.Marshal(delegate)
	if err != nil {
		return err
	}
	// DEL may come when flanneld and its subnet file are gone.
	if err := os.MkdirAll(conf.DataDir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(conf.DataDir, args.ContainerID), body, 0o600); err != nil {
		return err
	}
	result, err := invoke.DelegateAdd(context.TODO(), delegate["type"].(string), body, nil)
	if err != nil {
		return err
	}
	return types.PrintResult(result, conf.CNIVersion)
}

func check(*skel.CmdArgs) error { return nil }

func remove(args *skel.CmdArgs) error {
	conf, err := read(args.StdinData)
	if err != nil {
		return err
	}
	saved := filepath.Join(conf.DataDir, args.ContainerID)
	body, err := os.ReadFile(saved)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var delegate types.NetConf
	if err := json.Unmarshal(body, &delegate); err != nil {
		return fmt.Errorf("%s: %w", saved, err)
	}
	if err := invoke.DelegateDel(context.TODO(), delegate.Type, body, nil); err != nil {
		return err
	}
	return os.Remove(saved)
}
