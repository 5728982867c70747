# shellcheck shell=bash
# What the steps of the cluster's life share; sent after lib.sh.
# shellcheck disable=SC2034 # the steps read these names

readonly STATE_DIRECTORY=$HOST_DIRECTORY/cluster
# Written last: the host is a finished member of the cluster. Holds its role and the name of its node.
readonly MEMBER_FILE=$STATE_DIRECTORY/member
# kubeadm was started: what lies about on the host may be half of a member, and is this cluster's.
readonly ATTEMPT_FILE=$STATE_DIRECTORY/attempt
# Digest of the configuration that the node was last brought to.
readonly CONFIGURATION_FILE=$STATE_DIRECTORY/configuration
readonly ENROLMENT_KEY=$STATE_DIRECTORY/enrolment.key
readonly ENROLMENT_REQUEST=$STATE_DIRECTORY/enrolment.csr
readonly DISCOVERY_FILE=$STATE_DIRECTORY/discovery.conf
readonly ADMIN_CONF=/etc/kubernetes/admin.conf
readonly MANIFESTS=/etc/kubernetes/manifests
readonly KUBE_VIP_MANIFEST=$MANIFESTS/kube-vip.yaml
readonly PKI=/etc/kubernetes/pki
readonly CRI_SOCKET=unix:///run/containerd/containerd.sock

# admin ARGUMENTS…: kubectl as the cluster's administrator, on a control plane.
admin() {
  kubectl --kubeconfig "$ADMIN_CONF" --request-timeout=30s "$@"
}

# await SECONDS COMMAND…: until the command succeeds; 1 when it never did.
await() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then return 1; fi
    sleep 0.5
  done
}

# Soon, or not at all: the endpoint may be on its way from one control plane to another.
api_answers() {
  [[ -s $ADMIN_CONF ]] &&
    [[ $(kubectl --kubeconfig "$ADMIN_CONF" --request-timeout=5s get --raw /readyz 2>/dev/null) == ok ]]
}

# The API server starts again by itself after a reboot and after its manifest has changed.
await_api() {
  if api_answers; then return; fi
  log "waiting for the API server"
  await "${1:-120}" api_answers ||
    fail "the API server does not answer" "kubectl get --raw /readyz fails on $HOST" \
      "look at journalctl -u kubelet and at /var/log/pods/kube-system_kube-apiserver-* on $HOST"
}

# run_kubeadm ARGUMENTS…: its phases and errors to the progress, all that it prints to the log.
run_kubeadm() {
  local status=0
  printf '$ kubeadm %s\n' "$*" >>"$RUN_DIRECTORY/detail"
  kubeadm "$@" 2>&1 | tee -a "$RUN_DIRECTORY/detail" |
    sed -un -e "s|^\[\([a-z/-]*\)\] |$STEP: \1: |p" -e '/\[ERROR /p' -e '/^error/p' -e '/^Unfortunately/p' >&2 || status=$?
  return "$status"
}

# The package that a node runs, such as v1.36.3.
kubelet_version() {
  kubelet --version | cut -d' ' -f2
}

# begin_attempt WHAT: from here on the host holds what is this cluster's alone.
begin_attempt() {
  printf '%s since %s\n' "$1" "$(date -u +%FT%TZ)" | atomic_write "$ATTEMPT_FILE" 0644
}

# finish_member ROLE: everything of it is on the disk before the marker is.
finish_member() {
  rm -f "$ENROLMENT_KEY" "$DISCOVERY_FILE" /etc/kubernetes/bootstrap-kubelet.conf
  printf '%s\n' "$CONFIGURATION" | atomic_write "$CONFIGURATION_FILE" 0644
  sync -f /etc/kubernetes
  sync -f /var/lib/kubelet
  printf 'role=%s node=%s\n' "$1" "$NODE" | atomic_write "$MEMBER_FILE" 0644
}

print_member() {
  print_facts node "$NODE" authority "$(openssl x509 -in "$PKI/ca.crt" -noout -fingerprint -sha256 | cut -d= -f2)"
}

# interface_of ADDRESS: the network interface that carries it.
interface_of() {
  local interface
  interface=$(ip -o address show | awk -v address="$1" '{ split($4, parts, "/"); if (parts[1] == address) print $2 }' | head -n 1)
  if [[ -z $interface ]]; then
    fail "no network interface has the address $1" "it is the node's address in cluster.hosts" \
      "correct nodeAddress (or address) of $HOST, or give the host that address"
  fi
  printf '%s' "$interface"
}

# write_kube_vip KUBECONFIG: the static pod that holds the virtual IP, where the cluster has one.
write_kube_vip() {
  if [[ ! -s $FILES/kube-vip.yaml ]]; then return; fi
  sed -e "s|@INTERFACE@|$(interface_of "$NODE_ADDRESS")|" -e "s|@KUBECONFIG@|$1|" "$FILES/kube-vip.yaml" |
    atomic_write "$KUBE_VIP_MANIFEST" 0600
}

# other_nodes_for_pods: names of the nodes, this step's aside, that can take its pods. Taints of the user's own do not
# count: what runs on such nodes tolerates them.
other_nodes_for_pods() {
  admin get nodes -o 'jsonpath={range .items[*]}{.metadata.name}{" cordoned="}{.spec.unschedulable}{" ready="}{.status.conditions[?(@.type=="Ready")].status}{" "}{.spec.taints[*].key}{"\n"}{end}' |
    awk -v node="$NODE" '$1 != node && $2 == "cordoned=" && $3 == "ready=True" && !/ node(-role)?\.kubernetes\.io\// { print $1 }'
}

# drain_node REASON OPTIONS…: no new pods on the node, and those that can run elsewhere away from it.
drain_node() {
  local reason=$1
  shift
  admin cordon "$NODE" >/dev/null
  admin annotate --overwrite node "$NODE" "inference-stack/cordoned=$reason" >/dev/null
  if [[ -z $(other_nodes_for_pods) ]]; then
    log "not draining $NODE: no other node takes its pods"
    return
  fi
  log "draining $NODE"
  quietly kubectl --kubeconfig "$ADMIN_CONF" drain "$NODE" --ignore-daemonsets --delete-emptydir-data \
    --timeout="${DRAIN_TIMEOUT}s" "$@" ||
    fail "$NODE cannot be drained" "pods did not leave it within $DRAIN_TIMEOUT s; the lines above name them" \
      "make room for them on other nodes, or loosen their PodDisruptionBudget, and run pulumi up again"
}

# uncordon_node: only what drain_node did; a node that somebody else cordoned stays so.
uncordon_node() {
  if [[ -z $(admin get node "$NODE" -o 'jsonpath={.metadata.annotations.inference-stack/cordoned}') ]]; then return; fi
  log "waiting for $NODE to be Ready"
  admin wait --for=condition=Ready "node/$NODE" --timeout=300s --request-timeout=0 >/dev/null ||
    fail "$NODE is not Ready" "its kubelet, or the pod network on it, does not work since it was cordoned" \
      "kubectl describe node $NODE; then run pulumi up again: it is uncordoned then"
  admin uncordon "$NODE" >/dev/null
  admin annotate node "$NODE" inference-stack/cordoned- >/dev/null
}
