package main

import (
	"bytes"
	"encoding/hex"
	"net"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	whole := map[string]string{
		"address": "10.0.0.50", "port": "6443", "vip_interface": "eth0", "cp_namespace": "kube-system",
		"vip_leasename": "plndr-cp-lock", "vip_nodename": "h1", "vip_arp": "true", "cp_enable": "true",
		"vip_leaderelection": "true",
	}
	read := func(name, value string) (settings, error) {
		return readSettings(func(asked string) string {
			if asked == name {
				return value
			}
			return whole[asked]
		})
	}
	s, err := read("", "")
	if err != nil || s.address.String() != "10.0.0.50" || s.link != "eth0" || s.node != "h1" {
		t.Errorf("%+v, %v", s, err)
	}
	for name := range whole {
		if _, err := read(name, ""); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := read("address", "fd00::1"); err == nil {
		t.Error("an IPv6 address is accepted")
	}
}

func TestARPFrame(t *testing.T) {
	want, err := hex.DecodeString("ffffffffffff" + "0a0b0c0d0e0f" + "0806" + "0001" + "0800" + "0604" + "0001" +
		"0a0b0c0d0e0f" + "0a000032" + "000000000000" + "0a000032")
	if err != nil {
		t.Fatal(err)
	}
	hardware := net.HardwareAddr{0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f}
	if got := arpFrame(hardware, net.ParseIP("10.0.0.50")); !bytes.Equal(got, want) {
		t.Errorf("%x, expected %x", got, want)
	}
}
