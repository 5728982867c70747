# shellcheck shell=bash
# What all steps share; sent before each of them. The values HOST, STEP, ACTION, CLUSTER_ID, FILES, RUN_DIRECTORY and
# LAUNCHER are set before. Progress goes to standard error, the facts of a step as one JSON object to standard output.
set -Eeuo pipefail
umask 022
export LC_ALL=C
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l

readonly HOST_DIRECTORY=/etc/inference-stack
readonly LOG_DIRECTORY=/var/log/inference-stack
readonly CLUSTER_ID_FILE=$HOST_DIRECTORY/cluster-id
# A log beyond this size is set aside once, so that logs stay bounded.
readonly LOG_LIMIT_BYTES=1048576

log() {
  printf '%s: %s\n' "$STEP" "$*" >&2
}

# fail WHAT CAUSE NEXT: the last words of a step that cannot go on.
fail() {
  trap - ERR
  : >"$RUN_DIRECTORY/failed"
  printf '%s: %s: %s\n  cause: %s\n  next: %s\n' "$HOST" "$STEP" "$1" "$2" "$3" >&2
  exit 1
}

on_error() {
  local status=$? line=$1 command=$2
  trap - ERR
  # A failure inside $(…) or a pipeline was explained there.
  if [[ -e $RUN_DIRECTORY/failed ]]; then exit "$status"; fi
  fail "\`$command\` ended with status $status (line $line)" "see the lines above, and $LOG_DIRECTORY/$STEP.log on the host" \
    "correct the cause and run pulumi up again: steps that are done are not repeated"
}

# Runs however the step ends: keeps its log, removes its files, and its directory when nobody waits for it any more.
on_exit() {
  rm -rf "$FILES"
  if install -d -m 0750 "$LOG_DIRECTORY" 2>/dev/null; then
    local log_file=$LOG_DIRECTORY/$STEP.log
    if [[ -f $log_file && $(stat -c %s "$log_file") -gt $LOG_LIMIT_BYTES ]]; then
      mv -f "$log_file" "$log_file.1"
    fi
    { printf '=== %s %s\n' "$(date -u +%FT%TZ)" "$ACTION" && cat "$RUN_DIRECTORY"/{progress,detail}; } 2>/dev/null >>"$log_file" || true
  fi
  if ! kill -0 "$LAUNCHER" 2>/dev/null; then rm -rf "$RUN_DIRECTORY"; fi
}

# quietly COMMAND…: its output goes to the log alone, and its end to the progress when it fails.
quietly() {
  local status=0 output
  output=$(mktemp "$RUN_DIRECTORY/output.XXXXXX")
  "$@" >"$output" 2>&1 || status=$?
  { printf '$ %s\n' "$*" && cat "$output"; } >>"$RUN_DIRECTORY/detail"
  if ((status != 0)); then tail -n 20 "$output" >&2; fi
  rm -f "$output"
  return "$status"
}

# One step at a time on a host: a second one waits, so that a run after a cut connection follows the first run's end.
lock_host() {
  exec 9>/run/inference-stack/lock
  if flock -n 9; then return; fi
  log "waiting for another step on $HOST to end: $(cat /run/inference-stack/running 2>/dev/null || echo unknown)"
  until flock -w 2 9; do
    # A later run took the place of one whose connection is gone.
    if ! kill -0 "$LAUNCHER" 2>/dev/null; then exit 1; fi
  done
}

# Directories of runs that were killed: their secrets must not stay. Under the lock, so no other step runs.
remove_abandoned_runs() {
  local directory
  for directory in /run/inference-stack/*/; do
    directory=${directory%/}
    if [[ $directory == "$RUN_DIRECTORY" || ! -f $directory/launcher ]]; then continue; fi
    if ! kill -0 "$(cat "$directory/launcher")" 2>/dev/null; then rm -rf "$directory"; fi
  done
}

# The host belongs to this cluster, or to none yet; then it does from now on.
own_host() {
  local owner
  if [[ -s $CLUSTER_ID_FILE ]]; then
    owner=$(cat "$CLUSTER_ID_FILE")
    if [[ $owner == "$CLUSTER_ID" ]]; then return; fi
    fail "the host belongs to another cluster" "$CLUSTER_ID_FILE holds $owner, this stack's cluster is $CLUSTER_ID" \
      "remove the host from that stack's cluster.hosts and run pulumi up there; if that stack is gone, run kubeadm reset on the host and remove $CLUSTER_ID_FILE"
  fi
  if [[ $ACTION == delete ]]; then return; fi
  for owner in kubelet.conf bootstrap-kubelet.conf admin.conf pki/ca.crt; do
    if [[ -e /etc/kubernetes/$owner ]]; then
      fail "the host belongs to another cluster" "/etc/kubernetes/$owner exists, and nothing says that this stack made it" \
        "take the host out of that cluster and run kubeadm reset on it; nothing was changed"
    fi
  done
  log "marking the host as one of cluster $CLUSTER_ID"
  printf '%s\n' "$CLUSTER_ID" | atomic_write "$CLUSTER_ID_FILE" 0644
}

# atomic_write PATH MODE <content: a reader, or a power cut, finds the old file or the new one. Writes and says so only
# when content or mode differ; `was_written PATH` tells afterwards. The draft is hidden: kubelet runs any other file among
# its manifests, half of one too.
atomic_write() {
  local path=$1 mode=$2 draft
  mkdir -p "$(dirname "$path")"
  draft=$(mktemp "$(dirname "$path")/.${path##*/}.XXXXXX") || fail "cannot write $path" "the disk is full or read-only" "free space on $(dirname "$path")"
  if ! cat >"$draft"; then
    rm -f "$draft"
    fail "cannot write $path" "the disk is full or read-only: $(df -h --output=avail "$(dirname "$path")" | tail -n 1) free" "free space there and run pulumi up again"
  fi
  if [[ -f $path && ! -L $path ]] && cmp -s "$draft" "$path" && [[ $(stat -c %a "$path") == "${mode#0}" ]]; then
    rm -f "$draft"
    return 0
  fi
  log "writing $path"
  chmod "$mode" "$draft"
  sync "$draft"
  mv -f "$draft" "$path"
  printf '%s\n' "$path" >>"$RUN_DIRECTORY/written"
}

# was_written PATH…: did this run change one of them?
was_written() {
  local path
  for path in "$@"; do
    if grep -qxF -- "$path" "$RUN_DIRECTORY/written" 2>/dev/null; then return 0; fi
  done
  return 1
}

# remove_file PATH…: says what it removes.
remove_file() {
  local path
  for path in "$@"; do
    if [[ ! -e $path && ! -L $path ]]; then continue; fi
    log "removing $path"
    rm -f -- "$path"
    printf '%s\n' "$path" >>"$RUN_DIRECTORY/written"
  done
}

# started_before UNIT PATH…: a file is younger than the unit's process, which therefore does not know it. Other than
# `was_written` this holds in the run after one that was cut between writing and restarting.
started_before() {
  local unit=$1 started path
  shift
  started=$(systemctl show --property ExecMainStartTimestamp --value --timestamp=us+utc "$unit")
  if [[ -z $started ]]; then return 0; fi
  started=$(date -d "$started" +%s%N)
  for path in "$@"; do
    if [[ -e $path && $(date -r "$path" +%s%N) -ge $started ]]; then return 0; fi
  done
  return 1
}

# One element of a list of words is this word: contains_word "a b c" b.
contains_word() {
  [[ " $1 " == *" $2 "* ]]
}

begin_step() {
  trap on_exit EXIT
  trap 'on_error "$LINENO" "$BASH_COMMAND"' ERR
  if ((EUID != 0)); then
    fail "not root" "the user $(id -un) has no root rights here" "allow this user sudo, or connect as root"
  fi
  lock_host
  printf '%s since %s\n' "$STEP" "$(date -u +%FT%TZ)" >/run/inference-stack/running
  remove_abandoned_runs
  own_host
}

begin_step
