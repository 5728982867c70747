# shellcheck shell=bash
# Packages by apt, beside other programs that use it and on sources that may be slow or incomplete.

# Seconds to wait for another program that installs packages, such as a first automatic upgrade.
readonly APT_LOCK_TIMEOUT=600
readonly KEYRINGS=/etc/apt/keyrings
readonly SOURCES=/etc/apt/sources.list.d

# Who holds one of apt's locks, by the kernel's table of them.
lock_holder() {
  local lock inode pid
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    inode=$(stat -c %i "$lock" 2>/dev/null) || continue
    pid=$(awk -v inode="$inode" '$2 != "->" && $6 ~ ":" inode "$" {print $5; exit}' /proc/locks)
    if [[ -n $pid ]]; then
      printf 'process %s (%s)' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true)"
      return
    fi
  done
}

wait_for_apt() {
  local waited=0 holder
  holder=$(lock_holder)
  while [[ -n $holder ]]; do
    if ((waited == 0)); then log "waiting for $holder, which holds the package locks"; fi
    if ((waited >= APT_LOCK_TIMEOUT)); then
      fail "packages cannot be installed" "$holder has held the package locks for $((APT_LOCK_TIMEOUT / 60)) minutes" \
        "wait until it has ended, or stop it if it hangs, and run pulumi up again"
    fi
    sleep 5
    waited=$((waited + 5))
    holder=$(lock_holder)
  done
}

# apt ARGUMENTS…: apt-get that asks nothing and keeps configuration that was changed.
apt() {
  wait_for_apt
  quietly apt-get -q -y -o "DPkg::Lock::Timeout=$APT_LOCK_TIMEOUT" -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# explain_apt WHAT: ends the step with the reason that the last lines of apt give.
explain_apt() {
  local said
  said=$(tail -n 60 "$RUN_DIRECTORY/detail")
  case $said in
  *"No space left on device"* | *"have enough free space"*)
    fail "$1" "the disk is full: $(df -h --output=avail,target /var /var/cache/apt/archives /boot 2>/dev/null | tail -n +2 | tr -s ' \n' ' ')" \
      "free space on $HOST and run pulumi up again"
    ;;
  *"Could not resolve"* | *"Temporary failure resolving"* | *"Could not connect"* | *"Unable to connect"* | *"timed out"*)
    fail "$1" "a package source does not answer: $(grep -m 1 -E 'resolv|connect|timed out' <<<"$said")" \
      "correct the network, cluster.proxy or cluster.mirrors.apt"
    ;;
  *"NO_PUBKEY"* | *"is not signed"* | *"EXPKEYSIG"*)
    fail "$1" "a package source is not signed by the key that is expected" \
      "correct the key: cluster.mirrors.apt.kubernetesKey, or containerd.source.key"
    ;;
  esac
  fail "$1" "apt-get ended with an error; see the lines above" "correct the cause on $HOST and run pulumi up again"
}

# A run that was cut while dpkg was at work leaves packages half configured; apt installs nothing then.
finish_interrupted_install() {
  local unpacked
  if [[ -z $(dpkg --audit) ]]; then return; fi
  log "finishing packages that an earlier run left half installed"
  wait_for_apt
  quietly dpkg --configure -a --force-confdef --force-confold || true
  apt install --fix-broken || explain_apt "half-installed packages cannot be finished"
  # Cut while it was unpacked: to apt it counts as the version that it was to become, and is left as it is.
  mapfile -t unpacked < <(dpkg-query --show --showformat '${db:Status-Eflag} ${binary:Package}\n' | sed -n 's/^reinstreq //p')
  if ((${#unpacked[@]} > 0)); then
    apt install --reinstall --allow-change-held-packages "${unpacked[@]}" ||
      explain_apt "half-unpacked packages cannot be installed anew: ${unpacked[*]}"
  fi
}

update_lists() {
  log "reading the package lists"
  apt -o APT::Update::Error-Mode=any update || explain_apt "the package lists cannot be read"
}

# download URL FILE: by what a bare host has.
download() {
  quietly /usr/lib/apt/apt-helper -o Acquire::Retries=3 download-file "$1" "$2"
}

# add_repository NAME "URL SUITE [COMPONENT…]" KEY_URL: a source whose packages must be signed by that key alone.
add_repository() {
  local name=inference-stack-$1 entry=$2 key_url=$3 key list extension=asc
  key=$KEYRINGS/$name
  list=$SOURCES/$name.list
  if [[ -s $list && $(sed -n 2p "$list") == "# $key_url" ]] && grep -qF -- "] $entry" "$list" &&
    { [[ -s $key.asc ]] || [[ -s $key.gpg ]]; }; then
    return
  fi
  log "reading the key of $entry"
  download "$key_url" "$RUN_DIRECTORY/key" ||
    fail "the key of the repository $entry cannot be read" "$key_url does not answer with it; see the lines above" \
      "correct its address, cluster.proxy or cluster.mirrors"
  # apt tells the two forms of a key apart by the file's name.
  if ! grep -q -- '-----BEGIN PGP PUBLIC KEY BLOCK-----' "$RUN_DIRECTORY/key"; then extension=gpg; fi
  rm -f "$key.asc" "$key.gpg"
  atomic_write "$key.$extension" 0644 <"$RUN_DIRECTORY/key"
  printf '# The key comes from\n# %s\ndeb [signed-by=%s] %s\n' "$key_url" "$key.$extension" "$entry" |
    atomic_write "$list" 0644
}

# installed_version PACKAGE: empty when it is not installed whole.
installed_version() {
  dpkg-query --show --showformat '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

# available_version PACKAGE PREFIX: the newest version that begins so.
available_version() {
  apt-cache madison "$1" | awk -F '[| ]+' -v prefix="$2" 'index($3, prefix) == 1 {print $3; exit}'
}
