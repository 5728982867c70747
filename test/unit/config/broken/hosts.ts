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
    /ssh-keyscan -t ed25519 192\.168\.10\.12/,
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
    hosts([["cluster", "podCidr"], "192.168.0.0/16"], [["cluster", "hosts", 1, "address"], "node-2.example.org"]),
    ["cluster.hosts[0].address", '"192.168.10.11"', /outside the pods'/, /move one/],
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
