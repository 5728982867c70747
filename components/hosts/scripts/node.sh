# shellcheck shell=bash
# Gives a node its labels and taints, from a control plane. What the config no longer names is taken back; labels and
# taints of others stay. Deleted, the node is drained and leaves the cluster.
# Values: NODE, ROLE (control-plane or worker), SCHEDULABLE (yes or no), DRAIN_TIMEOUT (seconds)
# Files: labels (key=value a line), taints (key=value:effect a line)

readonly CONTROL_PLANE_TAINT=node-role.kubernetes.io/control-plane
readonly EXCLUDED_FROM_BALANCERS=node.kubernetes.io/exclude-from-external-load-balancers

node_exists() {
  admin get node "$NODE"
}

# annotation NAME: what an earlier run remembered, a word each.
annotation() {
  admin get node "$NODE" -o "jsonpath={.metadata.annotations.inference-stack/$1}"
}

remember() {
  admin annotate --overwrite node "$NODE" "inference-stack/$1=$2" >/dev/null
}

# without_value FILE: keys of labels; keys and effects of taints.
without_value() {
  sed 's/=[^:]*//' "$FILES/$1"
}

set_labels() {
  local changes=() key wanted
  wanted=$(without_value labels | tr '\n' ' ')
  mapfile -t changes <"$FILES/labels"
  for key in $(annotation labels); do
    if ! contains_word "$wanted" "$key"; then changes+=("$key-"); fi
  done
  # Remembered first: a run that is cut in between forgets nothing.
  remember labels "$(printf '%s\n' "$wanted" "$(annotation labels)" | tr ' ' '\n' | sort -u | xargs)"
  if ((${#changes[@]} > 0)); then admin label --overwrite node "$NODE" "${changes[@]}" >/dev/null; fi
  remember labels "${wanted% }"
}

has_taint() {
  local taints
  taints=$(admin get node "$NODE" -o 'jsonpath={range .spec.taints[*]}{.key}{":"}{.effect}{"\n"}{end}')
  grep -qxF -- "$1" <<<"$taints"
}

set_taints() {
  local taints taint wanted
  wanted=$(without_value taints | tr '\n' ' ')
  mapfile -t taints <"$FILES/taints"
  for taint in $(annotation taints); do
    if ! contains_word "$wanted" "$taint" && has_taint "$taint"; then taints+=("$taint-"); fi
  done
  remember taints "$(printf '%s\n' "$wanted" "$(annotation taints)" | tr ' ' '\n' | sort -u | xargs)"
  if ((${#taints[@]} > 0)); then admin taint --overwrite node "$NODE" "${taints[@]}" >/dev/null; fi
  remember taints "${wanted% }"
}

# A control plane that takes pods also announces LoadBalancer addresses. kubeadm puts taint and label back on upgrades.
set_schedulable() {
  if [[ $ROLE != control-plane ]]; then return; fi
  if [[ $SCHEDULABLE == no ]]; then
    admin taint --overwrite node "$NODE" "$CONTROL_PLANE_TAINT:NoSchedule" >/dev/null
    admin label --overwrite node "$NODE" "$EXCLUDED_FROM_BALANCERS=" >/dev/null
    return
  fi
  # The config may ask for this very taint.
  if has_taint "$CONTROL_PLANE_TAINT:NoSchedule" && ! grep -q "^$CONTROL_PLANE_TAINT.*:NoSchedule$" "$FILES/taints"; then
    admin taint node "$NODE" "$CONTROL_PLANE_TAINT:NoSchedule-" >/dev/null
  fi
  admin label node "$NODE" "$EXCLUDED_FROM_BALANCERS-" >/dev/null
}

set_node() {
  log "setting labels and taints of $NODE"
  await 120 node_exists ||
    fail "there is no node $NODE" "its kubelet has not registered it within 120 s" "look at journalctl -u kubelet on $NODE"
  set_labels
  set_taints
  set_schedulable
  print_facts node "$NODE"
}

# An etcd that misses one of its members for good is the next failure away from standing still. It refuses while another
# member that was away has not caught up.
leave_etcd() {
  if [[ ! -s $MANIFESTS/etcd.yaml ]]; then return; fi
  log "taking $NODE out of etcd"
  await 120 remove_etcd_member "$NODE" ||
    fail "$NODE cannot be removed from etcd" "too few of its other members run, or they have not caught up within 120 s" \
      "see that the other control planes run (inference-stack-etcd-snapshot works on each), and run pulumi up again"
}

remove_node() {
  local force=(--force)
  if [[ ! -s $ADMIN_CONF ]]; then
    log "$HOST has left the cluster; there is nothing to remove $NODE from"
    return
  fi
  await_api 60
  if node_exists >/dev/null 2>&1; then
    # A node that is gone confirms nothing.
    if [[ $(admin get node "$NODE" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') != True ]]; then
      force+=(--skip-wait-for-delete-timeout=20 --disable-eviction)
    fi
    drain_node removal "${force[@]}"
  fi
  admin delete node "$NODE" --ignore-not-found >/dev/null
  # Last, as the shared endpoint may lead to the one that leaves.
  if [[ $ROLE == control-plane ]]; then leave_etcd; fi
  log "$NODE has left the cluster"
}

case $ACTION in
create) set_node ;;
delete) remove_node ;;
*) fail "unknown action $ACTION" "steps are created and deleted" "report this" ;;
esac
