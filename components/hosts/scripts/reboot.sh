# shellcheck shell=bash
# Reboots the host for the settings that wait for it, once for each change of them, and never a node that pods may run
# on. The caller waits for another boot.
# Values: CHANGE (digest of the settings)
# Facts: bootId, and rebooting: whether the host goes down in some seconds

readonly REBOOT_FILE=/var/lib/inference-stack/reboot-needed
# The last change that the host was rebooted for, and the boot before it.
readonly DONE_FILE=/var/lib/inference-stack/rebooted-for
# Long enough for the answer to reach the caller.
readonly DELAY_SECONDS=2

reasons() {
  tr '\n' ' ' <"$REBOOT_FILE"
}

boot_id=$(cat /proc/sys/kernel/random/boot_id)
rebooting=false
done_change="" done_boot=""
if [[ -s $DONE_FILE ]]; then read -r done_change done_boot <"$DONE_FILE"; fi
if [[ $done_change == "$CHANGE" && $done_boot != "$boot_id" ]]; then
  log "the host was rebooted for this change already"
elif [[ ! -s $REBOOT_FILE ]]; then
  log "no reboot is needed"
elif [[ -e /etc/kubernetes/kubelet.conf ]]; then
  log "the host is a node and is not rebooted by itself: drain it, reboot it, uncordon it. Waiting for it: $(reasons)"
else
  log "rebooting for: $(reasons)"
  printf '%s %s\n' "$CHANGE" "$boot_id" | atomic_write "$DONE_FILE" 0644
  quietly systemd-run --quiet --on-active="$DELAY_SECONDS" systemctl reboot
  rebooting=true
fi
print_facts bootId "$boot_id" "rebooting:" "$rebooting"
