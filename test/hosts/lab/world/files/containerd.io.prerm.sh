#!/bin/sh
# Stops containerd when its package is removed; not before an upgrade.
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop containerd.service >/dev/null || true
fi
