# shellcheck shell=bash
# Makes the key by which a host asks to join; the key never leaves it. Deleted, the host leaves the cluster: what
# kubeadm and the pod network put on it is removed, so that it could join another.
# Values: NODE, JOINS (yes, or no for the host that makes the cluster)

# make_request: a key, and a request that says it is this host's. The name in it is only for people: the control plane
# writes what it signs by itself.
make_request() {
  install -d -m 0700 "$STATE_DIRECTORY"
  if [[ ! -s $ENROLMENT_KEY ]]; then
    log "making the key by which $NODE asks to join"
    (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256) | atomic_write "$ENROLMENT_KEY" 0600
    rm -f "$ENROLMENT_REQUEST"
  fi
  if [[ ! -s $ENROLMENT_REQUEST ]]; then
    openssl req -new -key "$ENROLMENT_KEY" -subj "/CN=$NODE" | atomic_write "$ENROLMENT_REQUEST" 0644
  fi
}

case $ACTION in
create)
  if [[ $JOINS == no || (-e $MEMBER_FILE && ! -s $ENROLMENT_REQUEST) ]]; then
    print_facts request ""
    exit 0
  fi
  # A member asks for nothing more; it only repeats what it asked for.
  if [[ ! -e $MEMBER_FILE ]]; then make_request; fi
  print_facts request "$(cat "$ENROLMENT_REQUEST")"
  ;;
delete)
  leave_cluster
  ;;
*)
  fail "unknown action $ACTION" "steps are created and deleted" "report this"
  ;;
esac
