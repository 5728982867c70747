package owner

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Of gives the process that holds the client's end of a TCP connection over the IPv4 loopback. It is false when the
// process cannot be seen from here, as with another user or another container.
func Of(client, server netip.AddrPort) (Process, bool) {
	inode, ok := socketInode(client, server)
	if !ok {
		return Process{}, false
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/[0-9]*")
	if err != nil {
		return Process{}, false
	}
	for _, link := range links {
		// Files of other users, and those closed in the meantime, cannot be read.
		if target, err := os.Readlink(link); err == nil && target == "socket:["+inode+"]" {
			pid, err := strconv.Atoi(strings.Split(link, "/")[2])
			if err != nil {
				return Process{}, false
			}
			began, alive := began(pid)
			return Process{PID: pid, Began: began}, alive
		}
	}
	return Process{}, false
}

// Alive tells whether the process still runs.
func (p Process) Alive() bool {
	now, alive := began(p.PID)
	return alive && now == p.Began
}

// socketInode looks up the client's socket in the kernel's table of TCP sockets, proc_pid_net(5).
func socketInode(client, server netip.AddrPort) (string, bool) {
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return "", false
	}
	defer func() { _ = table.Close() }()
	local, remote := kernelAddress(client), kernelAddress(server)
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 9 && fields[1] == local && fields[2] == remote {
			return fields[9], true
		}
	}
	return "", false
}

// kernelAddress writes an address as the kernel's table does: the IPv4 address as a little-endian number.
func kernelAddress(address netip.AddrPort) string {
	b := address.Addr().Unmap().As4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", b[3], b[2], b[1], b[0], address.Port())
}

// began gives boot and start time of a process, proc_pid_stat(5); false for one that is gone or only waits to be
// collected by its parent.
func began(pid int) (string, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The second field is the command in parentheses and may hold spaces itself.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[19], true
}
