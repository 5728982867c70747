package owner

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// connect gives both ends of a connection over the loopback.
func connect(t *testing.T) (client, server netip.AddrPort) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = connection.Close(), listener.Close() })
	return netip.MustParseAddrPort(connection.LocalAddr().String()), netip.MustParseAddrPort(listener.Addr().String())
}

func TestOfFindsTheClient(t *testing.T) {
	process, ok := Of(connect(t))
	if !ok || process.PID != os.Getpid() || !process.Alive() {
		t.Fatalf("got %+v, %v", process, ok)
	}
}

func TestOfDoesNotGuess(t *testing.T) {
	client, server := connect(t)
	if process, ok := Of(netip.AddrPortFrom(client.Addr(), 1), server); ok {
		t.Fatalf("got %+v", process)
	}
}

func TestAReusedNumberIsNotAlive(t *testing.T) {
	if (Process{PID: os.Getpid(), Began: "another boot/1"}).Alive() {
		t.Fatal("a process that began at another time counts as alive")
	}
}

// A killed engine stays in the process table until its parent has asked for its end.
func TestAProcessThatEndedIsNotAlive(t *testing.T) {
	command := exec.Command("sh", "-c", "echo ready; read line")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(output)
	if line, err := reader.ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
		t.Fatalf("%q, %v", line, err)
	}
	began, ok := began(command.Process.Pid)
	process := Process{PID: command.Process.Pid, Began: began}
	if !ok || !process.Alive() {
		t.Fatalf("%+v is not alive", process)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadString('\n'); err == nil {
		t.Fatal("the process still writes")
	}
	for process.Alive() { // the kernel closes the output a moment before it marks the process as ended
	}
	_, _ = input.Close(), command.Wait()
	if process.Alive() {
		t.Fatal("a collected process counts as alive")
	}
}
