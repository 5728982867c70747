# shellcheck shell=bash
# Proves from inside a pod of this host that it reaches the pods of other hosts, with packets of full size, and that
# names and Services work there.
# Values: NODE, DNS (address of the cluster's DNS; empty where there is none), DOMAIN
# Files: pods ("node address" a line: this host's, and those it has to reach)

# The process whose network is the pod's.
pod_process() {
  local id
  id=$(ctr --namespace k8s.io containers list -q "labels.\"io.kubernetes.pod.namespace\"==$NAMESPACE" |
    while IFS= read -r id; do
      ctr --namespace k8s.io tasks list | awk -v id="$id" '$1 == id && $3 == "RUNNING" { print $2 }'
    done | tail -n 1)
  if [[ -z $id ]]; then
    fail "no pod to look from" "the pod of DaemonSet $NAMESPACE/mesh does not run on $HOST" \
      "kubectl -n $NAMESPACE get pods -o wide"
  fi
  printf '%s' "$id"
}

in_pod() {
  nsenter --target "$process" --net "$@"
}

# The largest payload that goes through the pod's interface in one piece: less its IP and ICMP headers.
full_payload() {
  local mtu headers=28
  if [[ $1 == *:* ]]; then headers=48; fi
  mtu=$(in_pod ip -o link show eth0 | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
  printf '%s' "$((mtu - headers))"
}

check_pods() {
  local peer address payload
  while read -r peer address; do
    if [[ $peer == "$NODE" ]]; then continue; fi
    payload=$(full_payload "$address")
    if in_pod ping -q -c 2 -W 2 -i 0.2 "$address" >/dev/null 2>&1; then
      if in_pod ping -q -c 2 -W 2 -i 0.2 -M "do" -s "$payload" "$address" >/dev/null 2>&1; then
        passed pod-to-pod "$NODE to $peer" "$((payload + 28)) bytes in one packet"
      else
        failed pod-to-pod "$NODE to $peer" "small packets arrive, those of $((payload + 28)) bytes do not: the pod network's MTU is larger than what the hosts' network carries less the tunnel's header"
      fi
    else
      failed pod-to-pod "$NODE to $peer" "the pod $address does not answer: a firewall between the hosts, or the pod network does not run on one of them"
    fi
  done <"$FILES/pods"
}

# resolve SERVER NAME: asks by TCP, which bash can do; prints the code of the answer, 0 for found.
resolve() {
  # shellcheck disable=SC2016 # the inner shell expands them
  in_pod timeout 5 bash -c '
    query="\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    IFS=. read -ra labels <<<"$2"
    for label in "${labels[@]}"; do query+=$(printf "\\\\x%02x%s" "${#label}" "$label"); done
    query+="\x00\x00\x01\x00\x01"
    length=$(printf "$query" | wc -c)
    exec 3<>"/dev/tcp/$1/53"
    printf "$(printf "\\\\x%02x\\\\x%02x" $((length / 256)) $((length % 256)))$query" >&3
    head -c 6 <&3 | od -An -tu1 | awk "{ print \$6 % 16 }"
  ' _ "$1" "$2" 2>/dev/null
}

check_names() {
  local code attempt
  if [[ -z $DNS ]]; then return; fi
  # CoreDNS may have started just now.
  for attempt in {1..30}; do
    code=$(resolve "$DNS" "kubernetes.default.svc.$DOMAIN" || true)
    if [[ $code == 0 ]]; then break; fi
    sleep 1
  done
  case $code in
  0) passed dns "$NODE" "kubernetes.default.svc.$DOMAIN, attempt $attempt" ;;
  "") failed dns "$NODE" "the Service $DNS does not answer on port 53: kube-proxy on $HOST, or CoreDNS does not run" ;;
  *) failed dns "$NODE" "CoreDNS answers code $code for kubernetes.default.svc.$DOMAIN" ;;
  esac
}

process=$(pod_process)
check_pods
check_names
report
