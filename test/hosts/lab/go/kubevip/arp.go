package main

import (
	"math/bits"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A gratuitous ARP request in an Ethernet frame to everybody: sender and target are the address itself (RFC 5227).
func arpFrame(hardware net.HardwareAddr, address net.IP) []byte {
	frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, hardware...)
	frame = append(frame, 0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1)
	frame = append(append(frame, hardware...), address.To4()...)
	return append(append(frame, 0, 0, 0, 0, 0, 0), address.To4()...)
}

func announce(link *netlink.LinkAttrs, address net.IP) error {
	protocol := bits.ReverseBytes16(unix.ETH_P_ARP)
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(protocol))
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	return unix.Sendto(socket, arpFrame(link.HardwareAddr, address), 0, &unix.SockaddrLinklayer{
		Protocol: protocol, Ifindex: link.Index,
	})
}
