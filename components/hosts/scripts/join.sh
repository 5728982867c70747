# shellcheck shell=bash
# Makes the host a node of the cluster, once. What a run that was cut left of a join is taken back first.
# Values: NODE, NODE_ADDRESS, ROLE (control-plane or worker), SERVER (https://host:port), IGNORE_PREFLIGHT_ERRORS,
#   CONFIGURATION (digest)
# Files: kubeadm.yaml, host.crt, ca.crt, sealed (base64; empty for workers), kube-vip.yaml

readonly KUBEADM_FILE=$STATE_DIRECTORY/kubeadm.yaml
# API servers that lost etcd start anew, each time later.
readonly WITHDRAWAL_SECONDS=180

server_answers() {
  local address=${SERVER#https://}
  local name=${address%:*}
  name=${name#[}
  # shellcheck disable=SC2016 # the inner shell expands them
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "${name%]}" "${address##*:}"
}

# The node that this host is, as its own kubelet sees it.
is_registered() {
  [[ -s /etc/kubernetes/kubelet.conf ]] && systemctl is-active --quiet kubelet &&
    kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=5s get node "$NODE" >/dev/null 2>&1
}

# After a cut join: a worker whose kubelet has its certificate and its node lacks nothing; anything else starts over.
clear_unfinished_join() {
  log "found an unfinished $(cat "$ATTEMPT_FILE")"
  if [[ $ROLE == worker ]] && await 20 is_registered; then return 0; fi
  # A node that still counts as Ready would keep this one from joining. etcd may lack its majority until its member runs
  # here again: emptied before, that majority would be lost for good.
  withdraw "$WITHDRAWAL_SECONDS" ||
    fail "$NODE cannot be taken out of etcd to join anew" \
      "it became a member in the unfinished join, and etcd has had no majority for $WITHDRAWAL_SECONDS s since" \
      "see that the other control planes run, and run pulumi up again; nothing was deleted on $HOST"
  reset_host
  return 1
}

check_admission() {
  if [[ ! -s $ENROLMENT_KEY ]]; then
    fail "the key by which $NODE was to join is gone" "the host was installed anew, or $ENROLMENT_KEY was removed" \
      "remove $NODE from cluster.hosts, run pulumi up, add it and run pulumi up again"
  fi
  if [[ $(openssl x509 -in "$FILES/host.crt" -noout -pubkey) != "$(openssl pkey -in "$ENROLMENT_KEY" -pubout)" ]]; then
    fail "$NODE was admitted with another key" "the host was installed anew since" \
      "run pulumi up --replace for the steps $NODE-enrol and $NODE-admit"
  fi
  if ! openssl x509 -in "$FILES/host.crt" -noout -checkend 0 >/dev/null; then
    fail "the admission of $NODE has expired" "it was signed a year ago: $(openssl x509 -in "$FILES/host.crt" -noout -enddate)" \
      "run pulumi up --replace for the step $NODE-admit"
  fi
  await 60 server_answers ||
    fail "cannot reach the API server at $SERVER" "no connection from $HOST within 60 s" \
      "open the port between the hosts, or correct cluster.controlPlaneEndpoint"
}

write_discovery() {
  atomic_write "$DISCOVERY_FILE" 0600 <<DISCOVERY
apiVersion: v1
kind: Config
current-context: join
contexts: [{name: join, context: {cluster: cluster, user: host}}]
clusters: [{name: cluster, cluster: {server: "$SERVER", certificate-authority-data: $(base64 -w 0 "$FILES/ca.crt")}}]
users: [{name: host, user: {client-certificate-data: $(base64 -w 0 "$FILES/host.crt"), client-key-data: $(base64 -w 0 "$ENROLMENT_KEY")}}]
DISCOVERY
}

open_shared_keys() {
  install -d -m 0755 "$PKI" "$PKI/etcd"
  base64 -d "$FILES/sealed" |
    openssl cms -decrypt -binary -inform DER -inkey "$ENROLMENT_KEY" -recip "$FILES/host.crt" |
    tar -C "$PKI" -xf - --no-same-owner
  chmod 0600 "$PKI"/*.key "$PKI"/etcd/*.key
}

join() {
  check_admission
  atomic_write "$KUBEADM_FILE" 0600 <"$FILES/kubeadm.yaml"
  write_discovery
  quietly kubeadm config validate --config "$KUBEADM_FILE" ||
    fail "kubeadm refuses the configuration" "the lines above name the field" "correct it under cluster.kubeadm.joinConfiguration"
  begin_attempt "join"
  if [[ $ROLE == control-plane ]]; then open_shared_keys; fi
  run_kubeadm join --config "$KUBEADM_FILE" --ignore-preflight-errors="$IGNORE_PREFLIGHT_ERRORS" ||
    fail "kubeadm join failed" "the lines above, and $LOG_DIRECTORY/$STEP.log on the host" \
      "correct the cause and run pulumi up again: what is half done is taken back first"
  if [[ $ROLE == control-plane ]]; then write_kube_vip "$ADMIN_CONF"; fi
}

if [[ ! -e $MEMBER_FILE ]]; then
  if [[ ! -e $ATTEMPT_FILE ]] || ! clear_unfinished_join; then join; fi
  finish_member "$ROLE"
  log "$NODE has joined the cluster"
fi
print_member
