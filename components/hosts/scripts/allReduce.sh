# shellcheck shell=bash
# Runs an all-reduce over the GPUs of each node as a Job, and compares its bandwidth with what is asked for.
# Values: IMAGE, MINIMUM_BUS_BANDWIDTH (GB/s), SIZES (options of all_reduce_perf)
# Files: gpus ("node resource count" a line)

readonly JOB_TIMEOUT=900

apply_job() {
  local node=$1 resource=$2 count=$3
  apply_in_namespace <<MANIFEST
apiVersion: batch/v1
kind: Job
metadata: {name: all-reduce-$node, namespace: $NAMESPACE}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: $JOB_TIMEOUT
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      nodeSelector: {kubernetes.io/hostname: $node}
      tolerations: [{operator: Exists}]
      volumes: [{name: shared-memory, emptyDir: {medium: Memory}}]
      containers:
        - name: all-reduce
          image: $IMAGE
          command: [sh, -c, "exec all_reduce_perf $SIZES -g $count"]
          resources: {limits: {$resource: $count}}
          volumeMounts: [{name: shared-memory, mountPath: /dev/shm}]
MANIFEST
}

job_ended() {
  [[ -n $(admin -n "$NAMESPACE" get job "$1" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}') ]]
}

# The line that rccl-tests and nccl-tests end with.
bandwidth_in() {
  sed -n 's/^# Avg bus bandwidth *: *\([0-9.]*\).*/\1/p' | tail -n 1
}

check_node() {
  local node=$1 resource=$2 count=$3 job=all-reduce-$1 output bandwidth
  admin -n "$NAMESPACE" delete job "$job" --ignore-not-found >/dev/null
  apply_job "$node" "$resource" "$count"
  log "running an all-reduce over $count GPUs of $node"
  if ! await "$((JOB_TIMEOUT + 60))" job_ended "$job"; then
    failed all-reduce "$node" "the Job $NAMESPACE/$job does not end; are the GPUs free?"
    return
  fi
  output=$(admin -n "$NAMESPACE" logs "job/$job" --tail=-1 2>&1 || true)
  printf '%s\n' "$output" >>"$RUN_DIRECTORY/detail"
  bandwidth=$(bandwidth_in <<<"$output")
  if [[ -z $bandwidth ]]; then
    failed all-reduce "$node" "it printed no bandwidth: $(tail -n 3 <<<"$output" | tr '\n' ' ')"
  elif awk -v found="$bandwidth" -v wanted="$MINIMUM_BUS_BANDWIDTH" 'BEGIN { exit !(found >= wanted) }'; then
    passed all-reduce "$node" "$bandwidth GB/s"
  else
    failed all-reduce "$node" "$bandwidth GB/s of bus bandwidth, less than $MINIMUM_BUS_BANDWIDTH: look at the links between GPUs (rocm-smi --showtopo, nvidia-smi topo -m), IOMMU and NUMA balancing"
  fi
  admin -n "$NAMESPACE" delete job "$job" --wait=false >/dev/null
}

await_api
while read -r node resource count; do
  if ((count > 1)); then check_node "$node" "$resource" "$count"; fi
done <"$FILES/gpus"
report
