package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"inference-stack/sim/plugins/internal/properties"
)

// Defaults of the official provider's connection arguments.
const (
	defaultPort           = 22
	defaultUser           = "root"
	defaultDialErrorLimit = 10
	defaultPerDialTimeout = 15 * time.Second
)

// Between two attempts to connect, growing from the first to the second.
const (
	firstDialDelay   = time.Second
	longestDialDelay = 10 * time.Second
)

// connection is one SSH connection to make, perhaps through another host.
type connection struct {
	address        string
	config         *ssh.ClientConfig
	agentSocket    string
	dialErrorLimit int
	proxy          *connection
}

func parseConnection(arguments resource.PropertyMap) (*connection, error) {
	hostName := properties.String(arguments, "host")
	if hostName == "" {
		return nil, errors.New("connection.host is missing; give the address of the host")
	}
	port := cmp.Or(int(properties.Number(arguments, "port")), defaultPort)
	user := cmp.Or(properties.String(arguments, "user"), defaultUser)
	parsed := &connection{
		address:        net.JoinHostPort(hostName, strconv.Itoa(port)),
		dialErrorLimit: defaultDialErrorLimit,
		agentSocket:    cmp.Or(properties.String(arguments, "agentSocketPath"), os.Getenv("SSH_AUTH_SOCK")),
		config:         &ssh.ClientConfig{User: user, Timeout: defaultPerDialTimeout},
	}
	if seconds := properties.Number(arguments, "perDialTimeout"); seconds > 0 {
		parsed.config.Timeout = time.Duration(seconds * float64(time.Second))
	}
	if _, given := arguments["dialErrorLimit"]; given {
		parsed.dialErrorLimit = int(properties.Number(arguments, "dialErrorLimit"))
	}
	var err error
	if parsed.config.HostKeyCallback, err = hostKeyCheck(properties.String(arguments, "hostKey")); err != nil {
		return nil, err
	}
	if parsed.config.Auth, err = parsed.authentication(arguments); err != nil {
		return nil, err
	}
	if proxy := properties.Object(arguments, "proxy"); proxy != nil {
		if parsed.proxy, err = parseConnection(proxy); err != nil {
			return nil, fmt.Errorf("connection.proxy: %w", err)
		}
	}
	return parsed, nil
}

// hostKeyCheck accepts the one key that was given. Without one it accepts any, as the official provider does.
func hostKeyCheck(hostKey string) (ssh.HostKeyCallback, error) {
	if hostKey == "" {
		return ssh.InsecureIgnoreHostKey(), nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(hostKey))
	if err != nil {
		return nil, fmt.Errorf("connection.hostKey: %w; give the line of /etc/ssh/ssh_host_ed25519_key.pub", err)
	}
	return ssh.FixedHostKey(key), nil
}

func (c *connection) authentication(arguments resource.PropertyMap) ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if privateKey := properties.String(arguments, "privateKey"); privateKey != "" {
		signer, err := parseKey(privateKey, properties.String(arguments, "privateKeyPassword"))
		if err != nil {
			return nil, fmt.Errorf("connection.privateKey: %w", err)
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if password := properties.String(arguments, "password"); password != "" {
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = password
				}
				return answers, nil
			}))
	}
	if c.agentSocket != "" {
		socket, err := net.Dial("unix", c.agentSocket)
		switch {
		case err == nil:
			methods = append(methods, ssh.PublicKeysCallback(agent.NewClient(socket).Signers))
		case properties.String(arguments, "agentSocketPath") != "":
			return nil, fmt.Errorf("connection.agentSocketPath: %w", err)
		}
	}
	return methods, nil
}

func parseKey(privateKey, password string) (ssh.Signer, error) {
	if password != "" {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(privateKey), []byte(password))
	}
	return ssh.ParsePrivateKey([]byte(privateKey))
}

// dial connects, and tries again as often as dialErrorLimit allows: -1 is without end, until ctx is.
func (c *connection) dial(ctx context.Context, report func(string)) (*ssh.Client, error) {
	delay := firstDialDelay
	for attempt := 1; ; attempt++ {
		client, err := c.dialOnce(ctx, report)
		if err == nil {
			return client, nil
		}
		if c.dialErrorLimit >= 0 && attempt >= c.dialErrorLimit {
			return nil, fmt.Errorf("connecting to %s as %s: %w (attempt %d, the limit by dialErrorLimit)",
				c.address, c.config.User, err, attempt)
		}
		report(fmt.Sprintf("attempt %d to connect to %s failed: %v", attempt, c.address, err))
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to %s as %s: %w", c.address, c.config.User, errors.Join(context.Cause(ctx), err))
		}
		delay = min(delay*2, longestDialDelay)
	}
}

func (c *connection) dialOnce(ctx context.Context, report func(string)) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if c.proxy != nil {
		through, err := c.proxy.dial(ctx, report)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		dialer = through
	}
	stream, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	// The handshake has no time limit of its own.
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	handshake, channels, requests, err := ssh.NewClientConn(stream, c.address, c.config)
	if err != nil {
		return nil, errors.Join(err, ctx.Err(), stream.Close())
	}
	return ssh.NewClient(handshake, channels, requests), nil
}
