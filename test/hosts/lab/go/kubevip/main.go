// A stand-in for kube-vip, which no module proxy serves: holds a control plane's virtual IPv4 address on the host that
// has the Lease, and announces it by ARP. Same command (`manager`) and environment variables as a static pod of
// kube-vip has them, those of its other modes are ignored.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const kubeconfig = "/etc/kubernetes/admin.conf"

// kube-vip's own defaults.
const (
	leaseDuration = 5 * time.Second
	renewDeadline = 3 * time.Second
	retryPeriod   = 1 * time.Second
)

const announcePeriod = 2 * time.Second

type settings struct {
	address                net.IP
	port, link             string
	namespace, lease, node string
}

func main() {
	if len(os.Args) != 2 || os.Args[1] != "manager" {
		log.Fatal("usage: kube-vip manager")
	}
	s, err := readSettings(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		log.Fatal(err)
	}
}

func readSettings(get func(string) string) (settings, error) {
	s := settings{
		address: net.ParseIP(get("address")).To4(), port: get("port"), link: get("vip_interface"),
		namespace: get("cp_namespace"), lease: get("vip_leasename"), node: get("vip_nodename"),
	}
	for name, value := range map[string]string{
		"port": s.port, "vip_interface": s.link, "cp_namespace": s.namespace, "vip_leasename": s.lease,
		"vip_nodename": s.node,
	} {
		if value == "" {
			return s, fmt.Errorf("environment variable %s is empty", name)
		}
	}
	if s.address == nil {
		return s, fmt.Errorf("address is %q; this stand-in announces IPv4 addresses alone", get("address"))
	}
	for _, name := range []string{"vip_arp", "cp_enable", "vip_leaderelection"} {
		if get(name) != "true" {
			return s, fmt.Errorf("environment variable %s is %q; this stand-in needs true", name, get(name))
		}
	}
	return s, nil
}

func run(ctx context.Context, s settings) error {
	vip, err := newVirtualIP(s.link, s.address)
	if err != nil {
		return err
	}
	// Left by a process that was killed; another host may hold it by now.
	vip.release()
	client, err := newClient(s.port)
	if err != nil {
		return err
	}
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Name: s.lease, Namespace: s.namespace},
		Client:     client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: s.node},
	}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: vip.hold,
			OnStoppedLeading: vip.release,
			OnNewLeader:      func(node string) { log.Printf("%s is held by %s", s.address, node) },
		},
	})
	return nil
}

// The API server of this host: the virtual address that the kubeconfig may name is not there before it is held.
// The certificate is good for `kubernetes`, which the pod's hosts file leads to 127.0.0.1.
func newClient(port string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("https://"+net.JoinHostPort("kubernetes", port), kubeconfig)
	if err != nil {
		return nil, err
	}
	config.Timeout = renewDeadline
	return kubernetes.NewForConfig(config)
}

// An address that this host has for as long as it holds the Lease.
type virtualIP struct {
	link    netlink.Link
	address *netlink.Addr
	// Nothing adds the address once it is released.
	mutex sync.Mutex
}

func newVirtualIP(link string, address net.IP) (*virtualIP, error) {
	found, err := netlink.LinkByName(link)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", link, err)
	}
	return &virtualIP{link: found, address: &netlink.Addr{IPNet: &net.IPNet{IP: address, Mask: net.CIDRMask(32, 32)}}}, nil
}

// Adds and announces the address again and again, as kube-vip does: a predecessor that is still ending takes it away, and
// neighbours that missed a move learn of it later.
func (v *virtualIP) hold(ctx context.Context) {
	ticker := time.NewTicker(announcePeriod)
	defer ticker.Stop()
	for {
		v.add(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (v *virtualIP) add(ctx context.Context) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if ctx.Err() != nil {
		return
	}
	if err := netlink.AddrReplace(v.link, v.address); err != nil {
		log.Fatalf("adding %s: %v", v.address, err)
	}
	if err := announce(v.link.Attrs(), v.address.IP); err != nil {
		log.Printf("announcing %s: %v", v.address.IP, err)
	}
}

func (v *virtualIP) release() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if err := netlink.AddrDel(v.link, v.address); err != nil && err != syscall.EADDRNOTAVAIL {
		log.Printf("removing %s: %v", v.address, err)
	}
}
