# shellcheck shell=bash
# Signs, on the first control plane, the request of a host that joins: a credential that can ask for a kubelet's
# certificate, as a bootstrap token can, and no more. What further control planes share is sealed to that host's key.
# Values: NODE, ROLE (control-plane or worker)
# Files: request.csr

# As long as a kubelet's own certificate; it is of no use once the host has thrown its key away.
readonly DAYS=365
# Whoever is in this group may do what a bootstrap token may: kubeadm gives the rights to the group.
readonly SUBJECT="/O=system:bootstrappers:kubeadm:default-node-token/CN=inference-stack:$NODE"

readonly WORK=$RUN_DIRECTORY/admit
readonly SHARED=(ca.crt ca.key sa.key sa.pub front-proxy-ca.crt front-proxy-ca.key etcd/ca.crt etcd/ca.key)

# The subject and the uses are ours whatever the request asks for: a host must not name itself an administrator.
sign() {
  cat >"$WORK/extensions" <<'EXTENSIONS'
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyAgreement
extendedKeyUsage = clientAuth
EXTENSIONS
  quietly openssl x509 -req -in "$FILES/request.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "$DAYS" -subj "$SUBJECT" -extfile "$WORK/extensions" -out "$WORK/host.crt" ||
    fail "the request of $NODE cannot be signed" "it is damaged, or $PKI/ca.key is not on $HOST" \
      "an external certificate authority is not supported; else remove $NODE from cluster.hosts, run pulumi up, and add it again"
}

# Only who has the key of the host's certificate can open it; a change on the way is noticed.
seal_shared_keys() {
  tar -C "$PKI" -cf - "${SHARED[@]}" |
    openssl cms -encrypt -aes-256-gcm -binary -outform DER -recip "$WORK/host.crt" | base64 -w 0
}

if [[ ! -e $MEMBER_FILE ]]; then
  fail "$HOST admits no hosts yet" "its own initialization has not ended" "run pulumi up again, without --target"
fi
mkdir -m 0700 "$WORK"
sign
log "admitting $NODE"
sealed=
if [[ $ROLE == control-plane ]]; then sealed=$(seal_shared_keys); fi
print_facts certificate "$(cat "$WORK/host.crt")" authority "$(cat "$PKI/ca.crt")" sealed "$sealed"
