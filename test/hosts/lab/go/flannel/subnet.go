package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// What flanneld writes: the whole pod network, this host's part of it, the MTU inside, and whether flanneld masquerades.
type flannelSubnet struct {
	network, subnet netip.Prefix
	mtu             int
	masquerades     bool
}

func parseSubnet(file string) (flannelSubnet, error) {
	values := map[string]string{}
	for line := range strings.Lines(file) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			values[key] = value
		}
	}
	subnet := flannelSubnet{masquerades: values["FLANNEL_IPMASQ"] == "true"}
	var err error
	if subnet.network, err = netip.ParsePrefix(values["FLANNEL_NETWORK"]); err != nil {
		return subnet, fmt.Errorf("FLANNEL_NETWORK: %w", err)
	}
	if subnet.subnet, err = netip.ParsePrefix(values["FLANNEL_SUBNET"]); err != nil {
		return subnet, fmt.Errorf("FLANNEL_SUBNET: %w", err)
	}
	if subnet.mtu, err = strconv.Atoi(values["FLANNEL_MTU"]); err != nil {
		return subnet, fmt.Errorf("FLANNEL_MTU: %w", err)
	}
	return subnet, nil
}

// Fills in what the configuration's own delegate leaves open.
func delegateConfiguration(conf *configuration, subnet flannelSubnet) map[string]any {
	defaults := map[string]any{
		"type":       "bridge",
		"cniVersion": conf.CNIVersion,
		"name":       conf.Name,
		"isGateway":  true,
		"ipMasq":     !subnet.masquerades,
		"mtu":        subnet.mtu,
		"ipam": map[string]any{
			"type": "host-local",
			// The file has the gateway's address, host-local wants that of the network.
			"ranges": [][]map[string]string{{{"subnet": subnet.subnet.Masked().String()}}},
			"routes": []map[string]string{{"dst": subnet.network.String()}},
		},
	}
	for key, value := range conf.Delegate {
		defaults[key] = value
	}
	if len(conf.RuntimeConfig) > 0 {
		defaults["runtimeConfig"] = conf.RuntimeConfig
	}
	return defaults
}
