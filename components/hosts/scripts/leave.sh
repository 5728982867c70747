# shellcheck shell=bash
# Takes back what makes a host a node; sent after kubernetes.sh and etcd.sh. Disks, images and packages stay.

# kubeadm empties /var/lib/kubelet. A volume that is still mounted there would be emptied with it.
unmount_volumes() {
  local target left
  while IFS= read -r target; do
    umount "$target" 2>/dev/null || umount --lazy "$target" 2>/dev/null || true
  done < <(mounts_of_pods)
  left=$(mounts_of_pods)
  if [[ -n $left ]]; then
    fail "volumes of pods are still mounted" "$(tr '\n' ' ' <<<"$left")cannot be unmounted" \
      "end what uses them (fuser -vm), or reboot the host, and run pulumi again; nothing was deleted"
  fi
}

mounts_of_pods() {
  awk '$2 ~ "^/var/lib/kubelet/" { print $2 }' /proc/self/mounts | sort -r
}

remove_pods() {
  local pods
  if ! systemctl is-active --quiet containerd; then return; fi
  pods=$(crictl --runtime-endpoint "$CRI_SOCKET" pods -q 2>/dev/null) || return 0
  if [[ -z $pods ]]; then return; fi
  log "removing $(wc -l <<<"$pods") pods"
  # Without the pod network's plugin a pod cannot be stopped in order: it goes with its processes.
  # shellcheck disable=SC2086
  quietly crictl --runtime-endpoint "$CRI_SOCKET" --timeout 60s rmp -f $pods || log "some pods were left to kubeadm reset"
}

# Names in the rules of kube-proxy, Calico, CNI plugins and flannel.
readonly CLUSTER_RULES='KUBE-|cali|CNI-|FLANNEL|flanneld'

# Rules of the cluster's own chains and tables. The host's own rules stay.
remove_network_rules() {
  local command rules table family name
  for command in iptables ip6tables iptables-legacy ip6tables-legacy; do
    if ! command -v "$command-save" >/dev/null; then continue; fi
    rules=$("$command-save" 2>/dev/null) || continue
    if ! grep -qE "$CLUSTER_RULES" <<<"$rules"; then continue; fi
    log "removing the cluster's rules from $command"
    grep -vE "$CLUSTER_RULES" <<<"$rules" | "$command-restore" ||
      log "$command: rules of the cluster are left; they end with the next reboot"
  done
  if ! command -v nft >/dev/null; then return; fi
  while read -r table family name; do
    if [[ $table == table && $name =~ ^(kube-proxy|calico|cali.*)$ ]]; then nft delete table "$family" "$name"; fi
  done < <(nft list tables 2>/dev/null)
}

remove_network_links() {
  local link
  for link in $(ip -o link show | awk -F': ' '{ sub("@.*", "", $2); print $2 }'); do
    case $link in
    cni0 | flannel.1 | flannel-v6.1 | vxlan.calico | vxlan-v6.calico | kube-ipvs0 | nodelocaldns | cali* | wireguard.cali | wg-v6.cali)
      log "removing the network link $link"
      ip link delete "$link" || true
      ;;
    tunl0)
      ip address flush dev tunl0
      ip link set tunl0 down
      ;;
    esac
  done
  if command -v ipvsadm >/dev/null; then ipvsadm -C; fi
  # Routes to pods of other nodes, by BGP (bird) or by flannel's host-gw.
  ip route flush proto bird 2>/dev/null || true
}

# kube-vip is killed with its pod and leaves the virtual IP behind, which another control plane holds by now: requests of
# this host would end here.
remove_virtual_ip() {
  local address interface prefixed
  if [[ ! -s $KUBE_VIP_MANIFEST ]]; then return; fi
  address=$(awk '$2 == "name:" && $3 == "address" { getline; gsub("[\"\047]", "", $2); print $2; exit }' "$KUBE_VIP_MANIFEST")
  while read -r _ interface _ prefixed _; do
    log "removing the virtual IP $address from $interface"
    ip address delete "$prefixed" dev "$interface"
  done < <(ip -o address show to "$address")
}

# withdraw SECONDS: takes a control plane out of etcd while its member still runs, as of two members both must agree that
# one goes; then its node out of the cluster. 1 where it is still a member of etcd after that time.
withdraw() {
  local status=0
  if [[ -s $MANIFESTS/etcd.yaml ]]; then await "$1" remove_etcd_member "$NODE" || status=1; fi
  if ((status == 0)) && [[ -s $ADMIN_CONF ]] && await "$1" api_answers; then
    admin delete node "$NODE" --ignore-not-found --wait=false >/dev/null || true
  fi
  return "$status"
}

# reset_host: back to a host that kubeadm has never seen; who may admit it stays known.
reset_host() {
  log "resetting the host"
  systemctl stop kubelet 2>/dev/null || true
  remove_pods
  remove_virtual_ip
  unmount_volumes
  if command -v kubeadm >/dev/null; then
    quietly kubeadm reset --force --cleanup-tmp-dir --cri-socket "$CRI_SOCKET" ||
      fail "kubeadm reset failed" "the lines above, and $LOG_DIRECTORY/$STEP.log on the host" \
        "correct the cause and run pulumi again"
  fi
  remove_network_rules
  remove_network_links
  rm -rf /etc/cni/net.d/* /var/lib/cni /var/lib/calico /run/calico /run/flannel /var/run/nodeagent \
    /var/log/pods /var/log/containers /var/log/calico /etc/kubernetes/tmp "$MANIFESTS"
  # It may be a disk of its own.
  if [[ -d /var/lib/etcd ]]; then find /var/lib/etcd -mindepth 1 -delete; fi
  rm -f "$MEMBER_FILE" "$ATTEMPT_FILE" "$CONFIGURATION_FILE" "$DISCOVERY_FILE"
  rm -f "$STATE_DIRECTORY"/kubeadm*.yaml
}

# leave_cluster: for good. A control plane that leaves others behind takes its node along.
leave_cluster() {
  if [[ -e $MEMBER_FILE || -e $ATTEMPT_FILE ]]; then
    withdraw 15 || log "$NODE could not be taken out of etcd: no other member answers"
    reset_host
  fi
  rm -rf "$STATE_DIRECTORY"
  print_facts left "$NODE"
}
