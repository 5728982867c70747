#!/bin/sh
# Stops the kubelet when its package is removed; not before an upgrade.
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop kubelet.service || true
fi
