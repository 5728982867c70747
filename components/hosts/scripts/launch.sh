# shellcheck shell=bash
# Starts a step in a session of its own and shows its progress, so that a cut connection ends this part alone.
# components/hosts/remoteStep.ts sends this file, then a call of `launch` whose standard input is the step.
set -u

# Where bash keeps what a here-document does not fit a pipe with: in memory, since it may hold secrets.
TMPDIR=/run

# Seconds between two looks at the step's progress.
readonly PROGRESS_INTERVAL=0.2

# show_new: what came to the progress since the last call. The connection may be gone.
show_new() {
  cat <&5 >&2 2>/dev/null || true
}

# launch STEP ACTION <script: exits with the script's status and standard output.
launch() {
  local step=$1 action=$2 directory step_pid status=0
  umask 077
  mkdir -p /run/inference-stack || exit 1
  directory=$(mktemp -d "/run/inference-stack/$step.XXXXXX") || exit 1
  # By this a later step knows whether the directory is still in use.
  echo $$ >"$directory/launcher"
  cat >"$directory/step.sh"
  # The rest of the script may be lost on the way: half of it must not run.
  if [[ $(tail -n 1 "$directory/step.sh") != "# end of step" ]]; then
    rm -rf "$directory"
    echo "$step: the connection ended before the whole script had arrived; nothing was run" >&2
    exit 1
  fi
  mkdir "$directory/files"
  : >"$directory/progress"
  RUN_DIRECTORY=$directory LAUNCHER=$$ setsid bash "$directory/step.sh" "$action" \
    </dev/null >"$directory/facts" 2>"$directory/progress" &
  step_pid=$!
  # Not before: the step's own pipelines need the signal.
  trap '' HUP PIPE
  exec 5<"$directory/progress"
  while kill -0 "$step_pid" 2>/dev/null; do
    show_new
    sleep "$PROGRESS_INTERVAL"
  done
  wait "$step_pid" || status=$?
  show_new
  cat "$directory/facts" 2>/dev/null || true
  rm -rf "$directory"
  exit "$status"
}
