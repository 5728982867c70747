# shellcheck shell=bash
# Renews the certificates of a control plane when the config asks for it by another text than before.
# Values: RENEWAL

readonly RENEWAL_FILE=$STATE_DIRECTORY/certificate-renewal
# Certificates this young were made by the same run that first names a renewal.
readonly YOUNG_MINUTES=60

restart_component() {
  local id
  for id in $(running_containers "$1"); do ctr --namespace k8s.io tasks kill --signal SIGTERM "$id"; done
}

renew() {
  local component
  log "renewing the certificates of $HOST"
  run_kubeadm certs renew all ||
    fail "the certificates cannot be renewed" "the lines above" "an external certificate authority renews them itself; else correct the cause"
  # Each reads its certificates when it starts; the kubelet starts it again.
  for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do restart_component "$component"; done
  sleep 2
  await_api 180
}

if [[ ! -e $RENEWAL_FILE && -n $(find "$PKI/apiserver.crt" -mmin "-$YOUNG_MINUTES") ]]; then
  log "the certificates are new: nothing to renew"
elif [[ $(cat "$RENEWAL_FILE" 2>/dev/null) != "$RENEWAL" ]]; then
  renew
fi
printf '%s\n' "$RENEWAL" | atomic_write "$RENEWAL_FILE" 0644
print_facts expires "$(openssl x509 -in "$PKI/apiserver.crt" -noout -enddate | cut -d= -f2)"
