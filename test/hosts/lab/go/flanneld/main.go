// Flanneld from flannel's own packages, with the vxlan and host-gw backends and Kubernetes as its store. The release's
// main package also imports the backends of cloud providers, one of which no module proxy serves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/hostgw"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan"
	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/ipmatch"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
	"github.com/flannel-io/flannel/pkg/trafficmngr/nftables"
	"k8s.io/klog/v2"
)

// Seconds between two looks at whether somebody removed the rules.
const resyncSeconds = 5

type options struct {
	masquerade bool
	kubernetes bool
	iface      string
	subnetFile string
	netConf    string
}

func main() {
	var o options
	klog.InitFlags(nil)
	flag.BoolVar(&o.masquerade, "ip-masq", false, "masquerade what leaves the pod network")
	flag.BoolVar(&o.kubernetes, "kube-subnet-mgr", false, "take subnets from the nodes' podCIDR; needed")
	flag.StringVar(&o.iface, "iface", "", "interface or address between hosts; default: that of the default route")
	flag.StringVar(&o.subnetFile, "subnet-file", "/run/flannel/subnet.env", "file that the CNI plugin reads")
	flag.StringVar(&o.netConf, "net-config-path", "/etc/kube-flannel/net-conf.json", "network configuration")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		klog.Error(err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if !o.kubernetes {
		return errors.New("this flanneld has no etcd store: --kube-subnet-mgr is needed")
	}
	nodes, err := kube.NewSubnetManager(ctx, "", "", "flannel.alpha.coreos.com", o.netConf, true)
	if err != nil {
		return fmt.Errorf("subnet manager: %w", err)
	}
	config, err := nodes.GetNetworkConfig(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", o.netConf, err)
	}
	var tasks sync.WaitGroup
	network, err := register(ctx, &tasks, nodes, config, o)
	if err != nil {
		return err
	}
	if err := installRules(ctx, config, network, o); err != nil {
		return err
	}
	lease := network.Lease()
	err = nodes.HandleSubnetFile(o.subnetFile, config, o.masquerade, lease.Subnet, lease.IPv6Subnet, network.MTU())
	if err != nil {
		return fmt.Errorf("%s: %w", o.subnetFile, err)
	}
	klog.Infof("subnet %s in %s, backend %s", lease.Subnet, config.Network, config.BackendType)
	tasks.Go(func() { network.Run(ctx) })
	if err := nodes.CompleteLease(ctx, lease, &tasks); err != nil && ctx.Err() == nil {
		return fmt.Errorf("lease: %w", err)
	}
	tasks.Wait()
	return nil
}

func register(
	ctx context.Context, tasks *sync.WaitGroup, nodes subnet.Manager, config *subnet.Config, o options,
) (backend.Network, error) {
	stack, err := ipmatch.GetIPFamily(config.EnableIPv4, config.EnableIPv6)
	if err != nil {
		return nil, err
	}
	external, err := ipmatch.LookupExtIface(o.iface, "", "", stack, ipmatch.PublicIPOpts{})
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w", o.iface, err)
	}
	chosen, err := backend.NewManager(ctx, nodes, external).GetBackend(config.BackendType)
	if err != nil {
		return nil, fmt.Errorf("backend %s (this flanneld has vxlan and host-gw): %w", config.BackendType, err)
	}
	return chosen.RegisterNetwork(ctx, tasks, config)
}

func installRules(ctx context.Context, config *subnet.Config, network backend.Network, o options) error {
	rules := func(nft bool) trafficmngr.TrafficManager {
		if nft {
			return &nftables.NFTablesManager{}
		}
		return &iptables.IPTablesManager{}
	}
	// An earlier start may have used the other kind.
	if err := rules(!config.EnableNFTables).CleanUp(ctx); err != nil {
		return fmt.Errorf("rules of the other kind: %w", err)
	}
	manager := rules(config.EnableNFTables)
	if err := manager.Init(ctx); err != nil {
		return err
	}
	if o.masquerade {
		var none4 ip.IP4Net
		var none6 ip.IP6Net
		err := manager.SetupAndEnsureMasqRules(ctx, config.Network, none4, none4, config.IPv6Network, none6, none6,
			network.Lease(), resyncSeconds, false)
		if err != nil {
			return fmt.Errorf("masquerading rules: %w", err)
		}
	}
	manager.SetupAndEnsureForwardRules(ctx, config.Network, config.IPv6Network, resyncSeconds)
	return nil
}
