# shellcheck shell=bash
# Makes the cluster on its first control plane, once. A run that was cut goes on with the same certificates and the
# same etcd; a finished cluster is left alone, but for a configuration that has changed.
# Values: NODE, NODE_ADDRESS, API_PORT, ETCD_DIRECTORY, IGNORE_PREFLIGHT_ERRORS (comma-separated), CONFIGURATION (digest)
# Files: kubeadm.yaml, kube-vip.yaml

readonly KUBEADM_FILE=$STATE_DIRECTORY/kubeadm.yaml

# What kubeadm's preflight would hold against what an earlier, unfinished run of this step left behind.
leftover_checks() {
  local manifest
  for manifest in kube-apiserver kube-controller-manager kube-scheduler etcd; do
    printf ',FileAvailable--etc-kubernetes-manifests-%s.yaml' "$manifest"
  done
  printf ',Port-%s' "$API_PORT" 10250 10257 10259 2379 2380
  printf ',DirAvailable-%s' "${ETCD_DIRECTORY//\//-}"
}

# is_pair CERTIFICATE KEY: both are whole, and belong together.
is_pair() {
  local public
  public=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) && [[ $public == "$(openssl pkey -in "$2" -pubout 2>/dev/null)" ]]
}

# A power cut may leave files that are empty or missing. Whatever the authorities can make again is removed.
remove_broken_files() {
  local name
  for name in ca front-proxy-ca etcd/ca; do
    if [[ ! -e $PKI/$name.crt && ! -e $PKI/$name.key ]] || is_pair "$PKI/$name.crt" "$PKI/$name.key"; then continue; fi
    if [[ -e $ETCD_DIRECTORY/member ]]; then
      fail "the certificate authority $PKI/$name.crt is damaged" "the host lost power while it was written, yet etcd holds data" \
        "run pulumi destroy and pulumi up: the cluster holds nothing yet, as its initialization never ended"
    fi
    log "making the certificates anew: $PKI/$name.crt is damaged, and nothing was signed for others yet"
    rm -rf "$PKI" /etc/kubernetes/*.conf "$MANIFESTS"/*.yaml
    return
  done
  while IFS= read -r name; do
    if is_pair "$PKI/$name.crt" "$PKI/$name.key"; then continue; fi
    log "removing the damaged certificate $name"
    rm -f "$PKI/$name.crt" "$PKI/$name.key"
  done < <(cd "$PKI" 2>/dev/null && find . \( -name '*.crt' -o -name '*.key' \) ! -name sa.key -printf '%P\n' | sed 's/\.[a-z]*$//' | sort -u)
  if ! openssl pkey -in "$PKI/sa.key" -noout 2>/dev/null || [[ ! -s $PKI/sa.pub ]]; then rm -f "$PKI"/sa.{key,pub}; fi
  for name in /etc/kubernetes/*.conf; do
    if [[ -f $name ]] && ! kubectl --kubeconfig "$name" config view >/dev/null 2>&1; then rm -f "$name"; fi
  done
  find /etc/kubernetes /var/lib/kubelet -maxdepth 2 -type f -empty \( -name '*.conf' -o -name '*.yaml' -o -name '*.env' \) -delete 2>/dev/null || true
}

kube_vip_runs() {
  [[ $(kubectl --kubeconfig "$ADMIN_CONF" --request-timeout=5s -n kube-system get pod "kube-vip-$NODE" \
    -o 'jsonpath={.spec.volumes[?(@.name=="kubeconfig")].hostPath.path} {.status.containerStatuses[*].ready}') == "$ADMIN_CONF true" ]]
}

# The virtual IP is away while the pod of one manifest follows that of another.
await_kube_vip() {
  if [[ ! -s $KUBE_VIP_MANIFEST ]]; then return; fi
  log "waiting for the virtual IP"
  if ! await 120 kube_vip_runs || ! await 30 api_answers; then
    fail "the API server cannot be reached at the virtual IP" "kube-vip does not run on $HOST, or could not take the address" \
      "look at /var/log/pods/kube-system_kube-vip-* on $HOST, and run pulumi up again"
  fi
}

initialize() {
  local ignored=$IGNORE_PREFLIGHT_ERRORS
  atomic_write "$KUBEADM_FILE" 0600 <"$FILES/kubeadm.yaml"
  quietly kubeadm config validate --config "$KUBEADM_FILE" ||
    fail "kubeadm refuses the configuration" "the lines above name the field" \
      "correct it under cluster.kubeadm, cluster.kubelet or cluster.kubeProxy"
  if [[ -e $ATTEMPT_FILE ]]; then
    log "going on with an unfinished $(cat "$ATTEMPT_FILE")"
    remove_broken_files
    ignored+=$(leftover_checks)
  fi
  begin_attempt "initialization"
  # For as long as the cluster is made, only this identity has rights; kubeadm gives admin.conf its own in the end.
  write_kube_vip /etc/kubernetes/super-admin.conf
  run_kubeadm init --config "$KUBEADM_FILE" --skip-token-print --skip-phases=show-join-command \
    --ignore-preflight-errors="${ignored#,}" ||
    fail "kubeadm init failed" "the lines above, and $LOG_DIRECTORY/$STEP.log on the host" \
      "correct the cause and run pulumi up again: it goes on with the same certificates"
  await_api
  # Hosts are admitted by certificates: nobody needs the token that kubeadm makes.
  admin -n kube-system delete secrets --field-selector type=bootstrap.kubernetes.io/token --ignore-not-found >/dev/null
  write_kube_vip "$ADMIN_CONF"
  await_kube_vip
  finish_member control-plane
  log "the control plane runs"
}

# Brings a configuration that has changed into the running cluster. Versions are the upgrade's business.
reconfigure() {
  local running changed=$STATE_DIRECTORY/kubeadm-changed.yaml
  await_api
  running=$(admin -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' | sed -n 's/^kubernetesVersion: //p')
  log "the configuration has changed: bringing it into the cluster"
  sed "s/^kubernetesVersion: .*/kubernetesVersion: $running/" "$FILES/kubeadm.yaml" | atomic_write "$changed" 0600
  quietly kubeadm config validate --config "$changed" ||
    fail "kubeadm refuses the configuration" "the lines above name the field" \
      "correct it under cluster.kubeadm, cluster.kubelet or cluster.kubeProxy; nothing was changed"
  run_kubeadm init phase upload-config all --config "$changed"
  run_kubeadm init phase control-plane all --config "$changed"
  run_kubeadm init phase etcd local --config "$changed"
  await_api
  run_kubeadm init phase addon all --config "$changed"
  quietly kubeadm init phase kubelet-start --config "$changed"
  await_api
  mv "$changed" "$KUBEADM_FILE"
  printf '%s\n' "$CONFIGURATION" | atomic_write "$CONFIGURATION_FILE" 0644
}

if [[ ! -e $MEMBER_FILE ]]; then
  initialize
elif [[ $(cat "$CONFIGURATION_FILE" 2>/dev/null) != "$CONFIGURATION" ]]; then
  reconfigure
fi
print_member
