package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
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

// In a network namespace of the test's own, on its loopback interface, which no ARP packet leaves.
func TestHoldsAnAddressThatSomebodyTookAway(t *testing.T) {
	// The thread keeps the namespace and ends with the test.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace of its own: %v", err)
	}
	vip, err := newVirtualIP("lo", net.ParseIP("10.0.0.50").To4())
	if err != nil {
		t.Fatal(err)
	}
	expectAddresses := func(when string, want int) {
		t.Helper()
		if got, err := netlink.AddrList(vip.link, netlink.FAMILY_V4); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v, expected %d addresses", when, got, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	vip.add(ctx)
	expectAddresses("held", 1)
	if err := netlink.AddrDel(vip.link, vip.address); err != nil {
		t.Fatal(err)
	}
	vip.add(ctx)
	expectAddresses("held again", 1)
	cancel()
	vip.release()
	vip.add(ctx)
	expectAddresses("released", 0)
}
