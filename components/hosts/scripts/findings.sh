# shellcheck shell=bash
# What a validation collects: every check is made, and each says whether it passed and why not.

findings=()
failures=0

# passed CHECK SUBJECT [DETAIL]
passed() {
  log "ok: $1: $2${3:+ ($3)}"
  findings+=("$(print_facts check "$1" subject "$2" passed: true reason "${3:-}")")
}

# failed CHECK SUBJECT REASON
failed() {
  log "FAILED: $1: $2: $3"
  failures=$((failures + 1))
  findings+=("$(print_facts check "$1" subject "$2" passed: false reason "$3")")
}

# report: the facts of the step. All of them also lie on the host, for a failed step leaves none behind.
report() {
  local IFS=,
  local list="[${findings[*]}]"
  printf '%s\n' "$list" | atomic_write "$LOG_DIRECTORY/$STEP.json" 0644
  if ((failures > 0)); then
    fail "$failures of ${#findings[@]} checks failed" "the lines above name them; $LOG_DIRECTORY/$STEP.json holds them" \
      "correct them and run pulumi up again"
  fi
  print_facts findings: "$list"
}
