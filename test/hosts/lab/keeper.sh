#!/bin/bash
# keeper.sh DIRECTORY: keeps one lab host running from power on to power off, over its reboots. Ends when the host is
# off, and leaves nothing of it behind but its disk.
#
# DIRECTORY/host.env holds: HOST, NAMESPACE, LINK, ADDRESS, PREFIX_LENGTH, MAC, GATEWAY, SWITCH (namespace of the lab's
# bridge), MTU, CGROUPS and KEEPER_CGROUPS (directories, separated by spaces). With OWNED=1, file descriptor 3 is a pipe
# whose other end closes when the lab's owner ends, however it ends: the host then loses its power.
set -euo pipefail
directory=$1
# shellcheck disable=SC1091
. "$directory/host.env"

for group in $KEEPER_CGROUPS; do
  echo $$ >"$group/cgroup.procs"
done

remove_network() {
  ip -n "$SWITCH" link delete "$LINK" 2>/dev/null || true
  ip netns delete "$NAMESPACE" 2>/dev/null || true
}

# Fresh at every boot, as after a real one: interfaces, rules and addresses of the one before are gone.
make_network() {
  remove_network
  ip netns add "$NAMESPACE"
  # The other end of a link that goes away with its namespace may take a moment longer.
  for _ in $(seq 50); do
    ip -n "$SWITCH" link add "$LINK" mtu "$MTU" type veth \
      peer name eth0 mtu "$MTU" address "$MAC" netns "$NAMESPACE" && break
    sleep 0.1
  done
  ip -n "$SWITCH" link set "$LINK" master bridge up
  ip -n "$NAMESPACE" link set lo up
  ip -n "$NAMESPACE" address add "$ADDRESS/$PREFIX_LENGTH" dev eth0
  ip -n "$NAMESPACE" link set eth0 up
  ip -n "$NAMESPACE" route add default via "$GATEWAY"
}

remove_stale_cgroups() {
  for group in $CGROUPS; do
    find "$group" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

boot() {
  (
    for group in $CGROUPS; do
      echo "$BASHPID" >"$group/cgroup.procs"
    done
    echo "$BASHPID" >"$directory/nspawn.pid"
    # Without --register and with --keep-unit it works on machines whose own PID 1 is not systemd.
    SYSTEMD_SECCOMP=0 exec systemd-nspawn --quiet --directory="$directory/root" --machine="$NAMESPACE" \
      --hostname="$HOST" --register=no --keep-unit --network-namespace-path="/run/netns/$NAMESPACE" \
      --capability=all --bind=/dev/kmsg --resolv-conf=off --timezone=off --link-journal=no --console=read-only \
      --kill-signal=SIGRTMIN+3 /usr/local/sbin/host-init 3<&-
  ) >>"$directory/console.log" 2>&1 </dev/null
}

cut_power_with_owner() {
  read -r _ <&3 || true
  echo "keeper: the lab's owner has ended"
  pkill -KILL -P "$(cat "$directory/nspawn.pid")" || true
}

if [ "${OWNED:-0}" = 1 ]; then
  cut_power_with_owner &
  watcher=$!
  exec 3<&-
fi
trap 'remove_stale_cgroups; remove_network' EXIT

# nspawn's exit code when the system in it asks for a reboot, see systemd-nspawn(1).
reboot=133
code=$reboot
while [ "$code" = "$reboot" ]; do
  remove_stale_cgroups
  make_network
  code=0
  boot || code=$?
  echo "keeper: $HOST ended with $code"
done
[ -z "${watcher:-}" ] || kill "$watcher"
