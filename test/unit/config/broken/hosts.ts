import { broken, hosts, simulated, type BrokenConfig } from "./build";
import { hostsConfig } from "../support";

/** Clusters on hosts or by kubeconfig, and their secrets. */
export const hostMistakes: readonly BrokenConfig[] = [
  broken("no control plane", hosts([["cluster", "hosts", 0, "role"], "worker"]), [
    "cluster.hosts",
    "a list of 2 entries",
    /role: control-plane/,
    /give one host/,
  ]),
  broken(
    "two control planes",
    hosts([["cluster", "hosts", 1, "role"], "control-plane"], [["cluster", "controlPlaneEndpoint"], "10.0.0.1:6443"]),
    ["cluster.hosts", "a list of 2 entries", /odd number/, /worker/],
  ),
  broken(
    "endpoint missing",
    hosts(
      [["cluster", "hosts", 1, "role"], "control-plane"],
      [
        ["cluster", "hosts", 2],
        { ...hostsConfig().cluster.hosts[1], name: "three", address: "192.168.10.13", role: "control-plane" },
      ],
    ),
    ["cluster.controlPlaneEndpoint", "not set", /all 3 control planes share/, /add it/],
  ),
  broken("endpoint port", hosts([["cluster", "controlPlaneEndpoint"], "10.0.0.1:99999"]), [
    "cluster.controlPlaneEndpoint",
    '"10.0.0.1:99999"',
    /port from 1 to 65535/,
    /6443/,
  ]),
  broken("same host name twice", hosts([["cluster", "hosts", 1, "name"], "one"]), [
    "cluster.hosts[1].name",
    '"one"',
    /no other host has/,
    /correct one/,
  ]),
  broken("same address twice", hosts([["cluster", "hosts", 1, "address"], "192.168.10.11"]), [
    "cluster.hosts[1].address",
    '"192.168.10.11"',
    /no other host has/,
    /correct one/,
  ]),
  broken("host key missing", hosts([["cluster", "hosts", 1, "hostKey"], undefined]), [
    "cluster.hosts[1].hostKey",
    "not set",
    /trustOnFirstUse/,
    /ssh-keyscan -t ecdsa 192\.168\.10\.12/,
  ]),
  broken("old Kubernetes", hosts([["cluster", "kubernetesVersion"], "1.28.0"]), [
    "cluster.kubernetesVersion",
    '"1.28.0"',
    /1\.29\.0 or newer/,
    /supported/,
  ]),
  broken("pods and Services overlap", hosts([["cluster", "serviceCidr"], "10.244.8.0/24"]), [
    "cluster.serviceCidr",
    '"10.244.8.0/24"',
    /outside the pods' 10\.244\.0\.0\/16/,
    /move one/,
  ]),
  broken(
    "host among the pods",
    hosts(
      [["cluster", "podCidr"], "192.168.0.0/16"],
      [["cluster", "hosts", 1, "address"], "node-2.example.org"],
      [["cluster", "hosts", 1, "nodeAddress"], "10.1.2.3"],
    ),
    ["cluster.hosts[0].address", '"192.168.10.11"', /outside the pods'/, /move one/],
  ),
  broken("node address missing", hosts([["cluster", "hosts", 1, "address"], "node-2.example.org"]), [
    "cluster.hosts[1].nodeAddress",
    "not set",
    /node-2\.example\.org is a name/,
    /other hosts reach/,
  ]),
  broken("same node address twice", hosts([["cluster", "hosts", 1, "nodeAddress"], "192.168.10.11"]), [
    "cluster.hosts[1].nodeAddress",
    '"192.168.10.11"',
    /host 0 has it/,
    /correct one/,
  ]),
  broken("bastion without a key", hosts([["cluster", "bastion"], { address: "192.0.2.9", port: 2222 }]), [
    "cluster.bastion.hostKey",
    "not set",
    /trustOnFirstUse/,
    /ssh-keyscan -t ecdsa -p 2222 192\.0\.2\.9/,
  ]),
  broken("virtual IP of a host", hosts([["cluster", "virtualIp"], { address: "192.168.10.12" }]), [
    "cluster.virtualIp.address",
    '"192.168.10.12"',
    /host 1 has this one/,
    /same subnet/,
  ]),
  broken(
    "virtual IP among the load balancer's addresses",
    hosts(
      [["cluster", "virtualIp"], { address: "192.168.10.241" }],
      [["loadBalancer"], { addresses: ["192.168.10.240-192.168.10.250"], subnet: "192.168.10.0/24" }],
    ),
    [
      "loadBalancer.addresses[0]",
      '"192.168.10.240-192.168.10.250"',
      /outside the virtual IP 192\.168\.10\.241/,
      /move one/,
    ],
  ),
  broken("pods' network too small", hosts([["cluster", "podCidr"], "10.244.0.0/24"]), [
    "cluster.podCidr",
    '"10.244.0.0/24"',
    /a \/8 to \/23, so that each of the 2 hosts has a \/24/,
    /that size/,
  ]),
  broken("Services' network too large", hosts([["cluster", "serviceCidr"], "10.64.0.0/10"]), [
    "cluster.serviceCidr",
    '"10.64.0.0/10"',
    /a \/12 to \/28/,
    /that size/,
  ]),
  broken("SSH agent and key", hosts([["cluster", "sshAgent"], true]), [
    "cluster.sshAgent",
    "true",
    /secrets\.sshPrivateKey is set/,
    /pulumi config rm/,
  ]),
  broken(
    "passphrase without a key",
    hosts([["cluster", "sshAgent"], true], [["secrets"], { sshPrivateKeyPassphrase: "x" }]),
    ["secrets.sshPrivateKeyPassphrase", "[secret]", /without secrets\.sshPrivateKey/, /pulumi config rm/],
  ),
  broken("SSH key missing", hosts([["secrets"], undefined]), [
    "secrets.sshPrivateKey",
    "not set",
    /encrypted/,
    /pulumi config set --secret --path 'secrets\.sshPrivateKey'/,
  ]),
  broken("no kubeconfig", simulated([["cluster"], { source: "kubeconfig" }]), [
    "cluster.path",
    "not set",
    /path of a kubeconfig/,
    /secrets\.kubeconfig/,
  ]),
  broken(
    "two kubeconfigs",
    simulated([["cluster"], { source: "kubeconfig", path: "k" }], [["secrets"], { kubeconfig: "x" }]),
    ["cluster.path", '"k"', /one kubeconfig only/, /remove it/],
  ),
  broken(
    "token that is not there",
    simulated([["models", 0, "hfToken"], { fromSecrets: "team" }], [["secrets"], { hfTokens: { main: "x" } }]),
    ["models[0].hfToken.fromSecrets", '"team"', /secrets\.hfTokens: main/, /'secrets\.hfTokens\.team'/],
  ),
];
