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

# etcd_endpoints: client addresses of the other members, as the cluster and the manifest of this one name them, then its own.
etcd_endpoints() {
  local own
  own=$(etcd_flag advertise-client-urls)
  {
    etcd_flag initial-cluster | tr ',' '\n' | sed -n 's/^[^=]*=\(.*\):2380$/\1:2379/p'
    kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=5s -n kube-system get pods -l component=etcd \
      -o 'jsonpath={range .items[*]}{.metadata.annotations.kubeadm\.kubernetes\.io/etcd\.advertise-client-urls}{"\n"}{end}' || true
  } | awk -v own="$own" 'NF && $0 != own && !seen[$0]++'
  printf '%s\n' "$own"
}

# remove_etcd_member NODE: takes a node's member out of etcd, unless it is the only one; 1 while no member can do so. kubeadm
# reset cannot be asked: it empties the member's directory also where it could not take the member out.
remove_etcd_member() {
  local own='' endpoint members id
  # A member that never started has no name yet.
  if [[ $1 == "$(etcd_flag name)" ]]; then own=$(etcd_flag initial-advertise-peer-urls); fi
  for endpoint in $(etcd_endpoints); do
    # One that only learns lists nothing.
    members=$(ETCD_ENDPOINT=$endpoint etcdctl member list) || continue
    id=$(awk -F', ' -v node="$1" -v own="$own" '$3 == node || $4 == own { print $1 }' <<<"$members")
    if [[ -z $id ]] || (($(wc -l <<<"$members") == 1)); then return 0; fi
    # The one that goes may not live to answer; the next one knows.
    if ETCD_ENDPOINT=$endpoint etcdctl member remove "$id"; then return 0; fi
  done
  return 1
}
