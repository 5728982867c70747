# shellcheck shell=bash
# Runs one pod that does nothing on each node, so that hosts can prove the pod network from inside it. The image is the
# sandbox image, which every node has. Deleted, the pods go.
# Values: NODES (names separated by spaces)

apply_mesh() {
  local image
  image=$(kubeadm config images list 2>/dev/null | grep '/pause:' | head -n 1)
  apply_in_namespace <<MANIFEST
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: mesh, namespace: $NAMESPACE}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: mesh}}
  updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}
  template:
    metadata: {labels: {app.kubernetes.io/name: mesh}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      tolerations: [{operator: Exists}]
      containers:
        - name: pause
          image: $image
          imagePullPolicy: IfNotPresent
          resources: {requests: {cpu: 1m, memory: 4Mi}, limits: {memory: 16Mi}}
MANIFEST
}

# "node address" a line.
pods() {
  admin -n "$NAMESPACE" get pods --field-selector status.phase=Running \
    -o 'jsonpath={range .items[*]}{.spec.nodeName}{" "}{.status.podIP}{"\n"}{end}' | awk 'NF == 2' | sort
}

has_all_pods() {
  local node found
  found=$(pods | awk '{ print $1 }' | xargs)
  for node in $NODES; do contains_word "$found" "$node" || return 1; done
}

case $ACTION in
create)
  await_api
  apply_mesh
  log "waiting for a pod on each node"
  if ! await 180 has_all_pods; then
    admin -n "$NAMESPACE" get pods -o wide >&2
    fail "not every node runs pods" "the list above names those that do, of: $NODES" \
      "kubectl -n $NAMESPACE describe pods; without a pod network (cluster.cni) no pod starts"
  fi
  print_facts pods "$(pods)" dns "$(admin -n kube-system get service kube-dns -o 'jsonpath={.spec.clusterIP}' --ignore-not-found)"
  ;;
delete)
  # The cluster may be going down with it.
  if [[ -s $ADMIN_CONF ]] && await 30 api_answers; then
    admin delete namespace "$NAMESPACE" --ignore-not-found --wait=false >/dev/null
  fi
  ;;
*) fail "unknown action $ACTION" "steps are created and deleted" "report this" ;;
esac
