#!/bin/sh
# Enables and starts containerd; an upgrade restarts it, which containers do not notice.
set -e
if [ "$1" = configure ]; then
  deb-systemd-helper unmask containerd.service >/dev/null || true
  if deb-systemd-helper --quiet was-enabled containerd.service; then
    deb-systemd-helper enable containerd.service >/dev/null || true
  else
    deb-systemd-helper update-state containerd.service >/dev/null || true
  fi
  if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    deb-systemd-invoke restart containerd.service >/dev/null || true
  fi
fi
