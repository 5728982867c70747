#!/bin/bash
# plainBootstrap.sh: two bare hosts to a served model as the official documents say, and no more: "Creating a cluster
# with kubeadm", then the installation pages of flannel, cert-manager, the AMD GPU operator and MetalLB. The hosts are
# prepared side by side, as somebody with two terminals would. Runs on the operator's machine.
#
# Variables: CONTROL_PLANE, WORKER (addresses), SSH_KEY, KNOWN_HOSTS (files for ssh), MINOR (release of Kubernetes),
#   KUBEADM_CONFIG (file), IGNORED_ERRORS (of kubeadm's preflight), POD_CIDR, CHARTS (directory), NODE_LABELS (words),
#   OBJECTS (file with the model and all that it needs), KUBECTL, HELM (binaries), WORK (directory for what it keeps)
set -euo pipefail
directory=$(dirname "$0")
export KUBECONFIG=$WORK/admin.conf

# stage NAME COMMAND…: says when the command begins and ends, for the report.
stage() {
  local name=$1
  shift
  echo "@stage begin $EPOCHREALTIME $name"
  "$@"
  echo "@stage end $EPOCHREALTIME $name"
}

# on ADDRESS COMMAND…: as root on the host.
on() {
  local address=$1
  shift
  ssh -i "$SSH_KEY" -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile="$KNOWN_HOSTS" \
    "root@$address" "$@"
}

prepare() {
  on "$1" "bash -s -- $MINOR" <"$directory/plainPrepare.sh" >"$WORK/prepare-$1.log" 2>&1 || {
    tail -n 20 "$WORK/prepare-$1.log" >&2
    return 1
  }
}

prepare_hosts() {
  prepare "$CONTROL_PLANE" &
  local first=$!
  prepare "$WORKER" &
  wait "$first"
  wait "$!"
}

make_control_plane() {
  on "$CONTROL_PLANE" "cat >/root/kubeadm.yaml" <"$KUBEADM_CONFIG"
  on "$CONTROL_PLANE" kubeadm init --config /root/kubeadm.yaml
  on "$CONTROL_PLANE" cat /etc/kubernetes/admin.conf >"$KUBECONFIG"
  # The control plane has GPUs, so it takes pods and announces addresses, too.
  "$KUBECTL" taint nodes --all node-role.kubernetes.io/control-plane-
  "$KUBECTL" label nodes --all node.kubernetes.io/exclude-from-external-load-balancers-
}

# privileged_namespace NAME: for pods that set up the hosts.
privileged_namespace() {
  "$KUBECTL" create namespace "$1"
  "$KUBECTL" label namespace "$1" pod-security.kubernetes.io/enforce=privileged
}

install_pod_network() {
  privileged_namespace kube-flannel
  "$HELM" install flannel "$CHARTS/flannel" --namespace kube-flannel --set "podCidr=$POD_CIDR"
}

join_worker() {
  local join
  join=$(on "$CONTROL_PLANE" kubeadm token create --print-join-command)
  on "$WORKER" "$join --ignore-preflight-errors=$IGNORED_ERRORS"
}

install_addons() {
  # What Node Feature Discovery finds on hosts with real GPUs.
  # shellcheck disable=SC2086 # a word each
  "$KUBECTL" label nodes --all $NODE_LABELS
  # The GPU operator's certificates are refused until cert-manager runs, MetalLB's pool until its controller does.
  "$HELM" install cert-manager "$CHARTS/cert-manager" --namespace cert-manager --create-namespace \
    --set crds.enabled=true --wait
  privileged_namespace kube-amd-gpu
  "$HELM" install amd-gpu-operator "$CHARTS/gpu-operator-charts" --namespace kube-amd-gpu \
    --set crds.defaultCR.install=false --set remediation.enabled=false --set remediation.installCRDs=false
  privileged_namespace metallb-system
  "$HELM" install metallb "$CHARTS/metallb" --namespace metallb-system \
    --set frrk8s.enabled=false --set speaker.ignoreExcludeLB=true --wait
}

serve_model() {
  "$KUBECTL" apply --server-side -f "$OBJECTS"
  "$KUBECTL" wait deployments --all --all-namespaces --for=condition=Available --timeout=600s
}

stage "prerequisites" prepare_hosts
stage "control plane" make_control_plane
stage "pod network" install_pod_network
stage "worker" join_worker
stage "add-ons" install_addons
stage "model" serve_model
