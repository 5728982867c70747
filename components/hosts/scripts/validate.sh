# shellcheck shell=bash
# Compares the cluster with what the config declares: nodes, their versions, their GPUs, and LoadBalancer addresses.
# Values: KUBERNETES_VERSION
# Files: gpus ("node resource count" a line; count 0 is not compared), nodes (a name a line)

readonly GPU_WAIT=300

node_field() {
  admin get node "$1" -o "jsonpath=$2" 2>/dev/null || true
}

is_ready() {
  [[ $(node_field "$1" '{.status.conditions[?(@.type=="Ready")].status}') == True ]]
}

check_nodes() {
  local node version
  while IFS= read -r node; do
    if ! await 120 is_ready "$node"; then
      failed node-ready "$node" "$(node_field "$node" '{.status.conditions[?(@.type=="Ready")].message}')"
      continue
    fi
    version=$(node_field "$node" '{.status.nodeInfo.kubeletVersion}')
    if [[ $version == "v$KUBERNETES_VERSION" ]]; then
      passed node-ready "$node" "$version"
    else
      failed node-ready "$node" "it runs $version, not v$KUBERNETES_VERSION"
    fi
  done <"$FILES/nodes"
}

advertises() {
  local found
  found=$(node_field "$1" "{.status.allocatable.${2//./\\.}}")
  [[ ${found:-0} == "$3" ]]
}

check_gpus() {
  local node resource count
  while read -r node resource count; do
    if ((count == 0)); then continue; fi
    if await "$GPU_WAIT" advertises "$node" "$resource" "$count"; then
      passed gpus "$node" "$count × $resource"
    else
      failed gpus "$node" "it advertises $(node_field "$node" "{.status.allocatable.${resource//./\\.}}") of $count $resource: look at the device plugin's pod there, and at the GPU operator"
    fi
  done <"$FILES/gpus"
}

load_balancers() {
  admin get services -A -o 'jsonpath={range .items[?(@.spec.type=="LoadBalancer")]}{.metadata.namespace}/{.metadata.name}{" "}{.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}{" "}{.spec.ports[0].port}{"\n"}{end}'
}

connects() {
  # shellcheck disable=SC2016 # the inner shell expands them
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$1" "$2"
}

check_load_balancers() {
  local service address port
  while read -r service address port; do
    if [[ -z $service ]]; then continue; fi
    if [[ -z $port ]]; then
      failed load-balancer "$service" "it has no address: kubectl describe service says why"
    elif await 60 connects "$address" "$port"; then
      passed load-balancer "$service" "$address:$port"
    else
      failed load-balancer "$service" "$address:$port takes no connection: are its pods Ready, and is the address of the hosts' own subnet?"
    fi
  done < <(load_balancers)
}

await_api
check_nodes
check_gpus
check_load_balancers
report
