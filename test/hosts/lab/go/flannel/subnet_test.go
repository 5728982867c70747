package main

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

const subnetFile = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1350\nFLANNEL_IPMASQ=true\n"

func TestParseSubnet(t *testing.T) {
	subnet, err := parseSubnet(subnetFile)
	want := flannelSubnet{
		network: netip.MustParsePrefix("10.244.0.0/16"), subnet: netip.MustParsePrefix("10.244.1.1/24"), mtu: 1350,
		masquerades: true,
	}
	if err != nil || subnet != want {
		t.Errorf("%+v, %v, expected %+v", subnet, err, want)
	}
	for _, line := range []string{"FLANNEL_NETWORK", "FLANNEL_SUBNET", "FLANNEL_MTU"} {
		if _, err := parseSubnet(strings.Replace(subnetFile, line, "OTHER", 1)); err == nil {
			t.Errorf("no error without %s", line)
		}
	}
}

func TestDelegate(t *testing.T) {
	subnet, err := parseSubnet(subnetFile)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := read([]byte(`{"name": "cbr0", "cniVersion": "0.3.1", "type": "flannel",
		"runtimeConfig": {"portMappings": []}, "delegate": {"hairpinMode": true, "mtu": 1400}}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(delegateConfiguration(conf, subnet))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type": "bridge", "cniVersion": "0.3.1", "name": "cbr0", "isGateway": true, "ipMasq": false, "mtu": 1400,
		"hairpinMode": true, "runtimeConfig": {"portMappings": []},
		"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.1.0/24"}]], "routes": [{"dst": "10.244.0.0/16"}]}}`
	var got, expected any
	if json.Unmarshal(body, &got) != nil || json.Unmarshal([]byte(want), &expected) != nil {
		t.Fatal("not JSON")
	}
	if !reflect.DeepEqual(got, expected) {
		t.Errorf("%s, expected %s", body, want)
	}
}
