# shellcheck shell=bash
# Configures containerd for kubelet, and proves that it answers and can pull.
# Values: PAUSE_IMAGE, REGISTRIES (names of registries with a mirror, one a line), IMAGE_VOLUMES (yes or no)
# Files: containerd1.toml, containerd2.toml (the configuration for either major version), service.conf (the unit's
#   drop-in), hosts-<number>.toml (a registry's mirror, in the order of REGISTRIES)

readonly CONFIGURATION=/etc/containerd/config.toml
readonly REGISTRY_DIRECTORY=/etc/containerd/certs.d
readonly SERVICE_FILE=/etc/systemd/system/containerd.service.d/inference-stack.conf
readonly SOCKET=unix:///run/containerd/containerd.sock
readonly CNI_DIRECTORY=/opt/cni/bin
readonly FIRST_WITH_IMAGE_VOLUMES=2.1
readonly GENERATED="# Written by inference-stack"

# Seconds for containerd to answer after a start.
readonly START_TIMEOUT=60

major_version() {
  containerd --version | sed -E 's/.* v?([0-9]+)\.[0-9].*/\1/'
}

# A repository without a version in the config has shown only now what its newest is.
check_image_volumes() {
  local version
  if [[ $IMAGE_VOLUMES == no ]]; then return; fi
  version=$(containerd --version | awk '{ sub("^v", "", $3); print $3 }')
  if [[ $(printf '%s\n' "$FIRST_WITH_IMAGE_VOLUMES" "$version" | sort -V | head -n 1) == "$FIRST_WITH_IMAGE_VOLUMES" ]]; then return; fi
  fail "containerd $version does not mount images as volumes" "weights of a model come from an image, which takes containerd $FIRST_WITH_IMAGE_VOLUMES" \
    "drain the host, remove the package (apt-get purge --allow-change-held-packages), set cluster.containerd.source to a repository with a newer one and run pulumi up again; or take weights.type: s3"
}

cri() {
  crictl --runtime-endpoint "$SOCKET" --image-endpoint "$SOCKET" --timeout 10s "$@"
}

# Mirrors of registries that the config no longer names go; files of others stay.
configure_registries() {
  local registry number=0 directory
  while read -r registry; do
    if [[ -z $registry ]]; then continue; fi
    atomic_write "$REGISTRY_DIRECTORY/$registry/hosts.toml" 0644 <"$FILES/hosts-$number.toml"
    number=$((number + 1))
  done <<<"$REGISTRIES"
  for directory in "$REGISTRY_DIRECTORY"/*/; do
    registry=$(basename "$directory")
    if grep -qxF -- "$registry" <<<"$REGISTRIES" || ! grep -qsF "$GENERATED" "$directory/hosts.toml"; then continue; fi
    remove_file "$directory/hosts.toml"
  done
}

# Pod networks bring their plugins to CNI_DIRECTORY; distributions keep the standard ones elsewhere.
link_cni_plugins() {
  local plugin
  mkdir -p "$CNI_DIRECTORY" /etc/cni/net.d
  for plugin in /usr/lib/cni/*; do
    if [[ ! -x $plugin || -e $CNI_DIRECTORY/$(basename "$plugin") ]]; then continue; fi
    log "linking the CNI plugin $(basename "$plugin")"
    ln -s "$plugin" "$CNI_DIRECTORY/"
  done
}

answers() {
  cri version 2>/dev/null | grep -q '^RuntimeApiVersion: *v1$'
}

wait_for_answer() {
  local waited=0
  until answers; do
    if ((waited >= START_TIMEOUT)) || systemctl is-failed --quiet containerd; then
      journalctl --unit containerd --no-pager --lines 50 --output cat | grep -E 'level=(warn|error|fatal)|systemd|containerd:' | cut -c 1-400 | tail -n 15 >&2 || true
      fail "containerd does not answer" "it does not run, or its CRI plugin is off; see the lines above" \
        "correct cluster.containerd.config, or the unit's drop-ins on $HOST, and run pulumi up again"
    fi
    sleep 1
    waited=$((waited + 1))
  done
}

run_service() {
  if [[ $(systemctl show --property NeedDaemonReload --value containerd) == yes ]]; then systemctl daemon-reload; fi
  if ! systemctl is-enabled --quiet containerd; then quietly systemctl enable containerd; fi
  if ! systemctl is-active --quiet containerd || started_before containerd "$CONFIGURATION" "$SERVICE_FILE"; then
    log "restarting containerd"
    # systemd's NeedDaemonReload is blind to a directory of drop-ins that was not there at the last reload.
    systemctl daemon-reload
    quietly systemctl restart containerd || log "containerd did not start at once"
  fi
  wait_for_answer
}

# The image that every pod needs proves registry, mirror, proxy and time-out before kubeadm depends on them.
pull_pause_image() {
  if cri inspecti --quiet "$PAUSE_IMAGE" >/dev/null 2>&1; then return; fi
  log "pulling $PAUSE_IMAGE"
  quietly crictl --runtime-endpoint "$SOCKET" --image-endpoint "$SOCKET" --timeout 5m pull "$PAUSE_IMAGE" ||
    fail "the image $PAUSE_IMAGE cannot be pulled" "the registry or its mirror does not answer, or does not have it; see the lines above" \
      "correct cluster.mirrors.images or cluster.proxy, or bring the image to the mirror"
}

# NVIDIA's toolkit and others add to the configuration by files there.
mkdir -p /etc/containerd/conf.d
check_image_volumes
major=$(major_version)
if ((major >= 2)); then configuration=containerd2.toml; else configuration=containerd1.toml; fi
atomic_write "$CONFIGURATION" 0644 <"$FILES/$configuration"
# It may hold the proxy's password.
atomic_write "$SERVICE_FILE" 0600 <"$FILES/service.conf"
printf 'runtime-endpoint: %s\nimage-endpoint: %s\n' "$SOCKET" "$SOCKET" | atomic_write /etc/crictl.yaml 0644
configure_registries
link_cni_plugins
run_service
pull_pause_image
print_facts containerd "$(containerd --version | awk '{print $3}')" "major:" "$major"
