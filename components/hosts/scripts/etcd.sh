# shellcheck shell=bash
# etcd's own tools, from the image that the cluster's etcd runs; part of steps and of the commands put on the hosts.

readonly ETCD_PKI=/etc/kubernetes/pki/etcd
readonly ETCD_MANIFEST=/etc/kubernetes/manifests/etcd.yaml
# Where a restore keeps the manifests while nothing may run.
readonly PARKED_MANIFESTS=/etc/kubernetes/parked-manifests

etcd_manifest() {
  if [[ -s $ETCD_MANIFEST ]]; then printf '%s' "$ETCD_MANIFEST"; else printf '%s' "$PARKED_MANIFESTS/etcd.yaml"; fi
}

# etcd_flag NAME: the value of a flag of the running etcd.
etcd_flag() {
  sed -n "s/^ *- --$1=//p" "$(etcd_manifest)" | head -n 1
}

# etcd_tool TOOL DIRECTORY ARGUMENTS…: etcdctl or etcdutl, which sees the directory under its own path.
etcd_tool() {
  local tool=$1 directory=$2 image
  shift 2
  image=$(sed -n 's/^ *image: //p' "$(etcd_manifest)" | head -n 1)
  ctr --namespace k8s.io run --rm --net-host \
    --mount "type=bind,src=$ETCD_PKI,dst=$ETCD_PKI,options=rbind:ro" \
    --mount "type=bind,src=$directory,dst=$directory,options=rbind:rw" \
    "$image" "inference-stack-$tool-$$-$RANDOM" "$tool" "$@"
}

# etcdctl ARGUMENTS…: asks the member on this host, or the one at ETCD_ENDPOINT.
etcdctl() {
  etcdctl_in /var/empty "$@"
}

# etcdctl_in DIRECTORY ARGUMENTS…
etcdctl_in() {
  local directory=$1
  shift
  mkdir -p "$directory"
  etcd_tool etcdctl "$directory" --endpoints="${ETCD_ENDPOINT:-https://127.0.0.1:2379}" --cacert="$ETCD_PKI/ca.crt" \
    --cert="$ETCD_PKI/healthcheck-client.crt" --key="$ETCD_PKI/healthcheck-client.key" "$@"
}

# running_containers NAME: ids of the running containers of that name.
running_containers() {
  local id running
  running=$(ctr --namespace k8s.io tasks list | awk '$3 == "RUNNING" { print $1 }')
  for id in $(ctr --namespace k8s.io containers list -q "labels.\"io.kubernetes.container.name\"==$1"); do
    if grep -qxF -- "$id" <<<"$running"; then printf '%s\n' "$id"; fi
  done
}
