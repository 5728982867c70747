package command

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os/exec"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sshServer runs what its clients ask for by /bin/sh, as sshd would.
type sshServer struct {
	port    int
	hostKey string
}

func startSSHServer(t *testing.T, password string) sshServer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if string(given) != password {
			return nil, errors.New("wrong password")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return
			}
			go serveConnection(stream, config)
		}
	}()
	return sshServer{listener.Addr().(*net.TCPAddr).Port, string(ssh.MarshalAuthorizedKey(signer.PublicKey()))}
}

func serveConnection(stream net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(stream, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go serveSession(channel, requests)
	}
}

func serveSession(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		switch request.Type {
		case "exec":
			var wanted struct{ Command string }
			accepted := ssh.Unmarshal(request.Payload, &wanted) == nil
			_ = request.Reply(accepted, nil)
			command := exec.Command("/bin/sh", "-c", wanted.Command)
			command.Stdin, command.Stdout, command.Stderr = channel, channel, channel.Stderr()
			_ = command.Run()
			_, _ = channel.SendRequest("exit-status", false,
				ssh.Marshal(struct{ Code uint32 }{uint32(command.ProcessState.ExitCode())}))
			return
		case "subsystem":
			_ = request.Reply(true, nil)
			files, err := sftp.NewServer(channel)
			if err != nil {
				return
			}
			if err := files.Serve(); err != nil && !errors.Is(err, io.EOF) {
				return
			}
			return
		default:
			_ = request.Reply(false, nil)
		}
	}
}
