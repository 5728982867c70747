# shellcheck shell=bash
# Puts the commands for snapshots of etcd on a control plane, and the timer that takes them. Deleted, the timer goes;
# snapshots that were taken stay.
# Values: SCHEDULE (a calendar event of systemd), SNAPSHOT_DIRECTORY
# Files: snapshot, restore (the commands)

readonly UNIT=inference-stack-etcd-snapshot
readonly SNAPSHOT_COMMAND=/usr/local/sbin/inference-stack-etcd-snapshot
readonly RESTORE_COMMAND=/usr/local/sbin/inference-stack-etcd-restore
readonly SERVICE_FILE=/etc/systemd/system/$UNIT.service
readonly TIMER_FILE=/etc/systemd/system/$UNIT.timer

install_backup() {
  quietly systemd-analyze calendar "$SCHEDULE" ||
    fail "no calendar event of systemd: $SCHEDULE" "systemd-analyze calendar refuses it" \
      "set cluster.etcdSnapshots.schedule to one such as daily or *-*-* 03:00:00"
  atomic_write "$SNAPSHOT_COMMAND" 0755 <"$FILES/snapshot"
  atomic_write "$RESTORE_COMMAND" 0755 <"$FILES/restore"
  atomic_write "$SERVICE_FILE" 0644 <<SERVICE
[Unit]
Description=Snapshot of etcd
After=containerd.service kubelet.service

[Service]
Type=oneshot
ExecStart=$SNAPSHOT_COMMAND
SERVICE
  atomic_write "$TIMER_FILE" 0644 <<TIMER
[Unit]
Description=Snapshots of etcd

[Timer]
OnCalendar=$SCHEDULE
Persistent=true

[Install]
WantedBy=timers.target
TIMER
  if was_written "$SERVICE_FILE" "$TIMER_FILE"; then systemctl daemon-reload; fi
  quietly systemctl enable --now "$UNIT.timer"
  if was_written "$TIMER_FILE"; then systemctl restart "$UNIT.timer"; fi
  print_facts schedule "$SCHEDULE" directory "$SNAPSHOT_DIRECTORY"
}

remove_backup() {
  quietly systemctl disable --now "$UNIT.timer" || true
  remove_file "$SERVICE_FILE" "$TIMER_FILE" "$SNAPSHOT_COMMAND" "$RESTORE_COMMAND"
  systemctl daemon-reload
  if [[ -d $SNAPSHOT_DIRECTORY ]]; then log "snapshots stay in $SNAPSHOT_DIRECTORY"; fi
}

case $ACTION in
create) install_backup ;;
delete) remove_backup ;;
*) fail "unknown action $ACTION" "steps are created and deleted" "report this" ;;
esac
