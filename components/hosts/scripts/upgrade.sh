# shellcheck shell=bash
# Brings a host's part of Kubernetes to the configured version and configuration. On the first control plane this
# upgrades the cluster; control planes drain themselves, workers are drained before.
# Values: NODE, ROLE (first, control-plane or worker), KUBERNETES_VERSION, IGNORE_PREFLIGHT_ERRORS (comma-separated),
#   DRAIN_TIMEOUT (seconds), CONFIGURATION (digest)

readonly TARGET=v$KUBERNETES_VERSION

minor_of() {
  local parts
  IFS=. read -ra parts <<<"${1#v}"
  printf '%s' "${parts[1]}"
}

# check_step FROM WHAT: kubeadm supports the next minor version only, and no way back.
check_step() {
  local from=$1 what=$2
  if [[ $from == "$TARGET" ]]; then return; fi
  if [[ $(printf '%s\n' "$from" "$TARGET" | sort -V | head -n 1) == "$TARGET" ]]; then
    fail "$what runs $from, which is newer than $TARGET" "Kubernetes cannot be downgraded" \
      "set cluster.kubernetesVersion to ${from#v}; to go back, restore an etcd snapshot into a new cluster"
  fi
  if (($(minor_of "$TARGET") > $(minor_of "$from") + 1)); then
    fail "$what runs $from, and $TARGET skips a minor version" "kubeadm upgrades by one minor version at a time" \
      "set cluster.kubernetesVersion to 1.$(($(minor_of "$from") + 1)).x first, run pulumi up, and go on from there"
  fi
}

# install_packages NAME…: at the target's version, and held there.
install_packages() {
  local wanted=() name version
  for name in "$@"; do
    version=$(available_version "$name" "$KUBERNETES_VERSION-")
    if [[ -z $version ]]; then
      fail "there is no package $name $KUBERNETES_VERSION" "the package source of the host does not hold this version" \
        "apt-cache madison $name on $HOST shows what it holds; see cluster.mirrors.apt.kubernetes"
    fi
    wanted+=("$name=$version")
  done
  log "installing ${wanted[*]}"
  apt --allow-change-held-packages install "${wanted[@]}" || explain_apt "Kubernetes $KUBERNETES_VERSION cannot be installed"
  quietly apt-mark hold "$@"
}

install_kubeadm() {
  finish_interrupted_install
  if [[ $(kubeadm version -o short) == "$TARGET" ]]; then return; fi
  # The packages step has set the source to the minor version; its lists may be older than the release.
  update_lists
  install_packages kubeadm
}

cluster_version() {
  admin -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' | sed -n 's/^kubernetesVersion: //p'
}

upgrade_cluster() {
  local running
  running=$(cluster_version)
  check_step "$running" "the cluster"
  if [[ $running == "$TARGET" ]]; then return; fi
  log "upgrading the cluster from $running to $TARGET"
  if [[ -x /usr/local/sbin/inference-stack-etcd-snapshot ]]; then
    log "taking a snapshot of etcd"
    quietly /usr/local/sbin/inference-stack-etcd-snapshot ||
      fail "no snapshot of etcd could be taken" "the lines above" "correct the cause: without one there is no way back from an upgrade"
  fi
  install_kubeadm
  run_kubeadm upgrade apply "$TARGET" --yes --ignore-preflight-errors="$IGNORE_PREFLIGHT_ERRORS" ||
    fail "kubeadm upgrade failed" "the lines above, and $LOG_DIRECTORY/$STEP.log on the host; static pods go back by themselves" \
      "correct the cause and run pulumi up again"
  await_api 300
}

upgrade_member() {
  install_kubeadm
  log "upgrading what runs on $NODE"
  run_kubeadm upgrade node --ignore-preflight-errors="$IGNORE_PREFLIGHT_ERRORS" ||
    fail "kubeadm upgrade failed" "the lines above, and $LOG_DIRECTORY/$STEP.log on the host" "correct the cause and run pulumi up again"
}

upgrade_kubelet() {
  if [[ $(kubelet_version) != "$TARGET" ]]; then
    install_packages kubelet kubectl
  fi
  systemctl daemon-reload
  systemctl restart kubelet
  await 60 systemctl is-active --quiet kubelet ||
    fail "the kubelet does not start" "see journalctl -u kubelet on $HOST" "correct the cause and run pulumi up again"
}

reports_target() {
  [[ $(admin get node "$NODE" -o 'jsonpath={.status.nodeInfo.kubeletVersion}') == "$TARGET" ]]
}

is_current() {
  [[ $(kubeadm version -o short) == "$TARGET" && $(kubelet_version) == "$TARGET" &&
    $(cat "$CONFIGURATION_FILE") == "$CONFIGURATION" ]]
}

upgrade_control_plane() {
  if [[ $ROLE == first ]]; then upgrade_cluster; fi
  if is_current && reports_target; then
    uncordon_node
    return
  fi
  if [[ $ROLE != first ]]; then upgrade_member; fi
  if [[ $(kubelet_version) != "$TARGET" ]]; then drain_node upgrade; fi
  upgrade_kubelet
  await_api
  await 120 reports_target ||
    fail "$NODE does not report $TARGET" "its kubelet does not come up" "look at journalctl -u kubelet on $HOST"
  uncordon_node
}

upgrade_worker() {
  if is_current; then return; fi
  upgrade_member
  upgrade_kubelet
}

check_step "$(kubelet_version)" "$NODE"
case $ROLE in
first | control-plane)
  await_api
  upgrade_control_plane
  ;;
*)
  upgrade_worker
  ;;
esac
printf '%s\n' "$CONFIGURATION" | atomic_write "$CONFIGURATION_FILE" 0644
print_facts node "$NODE" version "$(kubelet_version)"
