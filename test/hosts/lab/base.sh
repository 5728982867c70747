#!/bin/bash
# base.sh ROOT: the root file system that every lab host is a copy of: Debian 12 as a server has it right after its
# installation, without a container runtime and without anything of Kubernetes.
#
# Variables: MIRROR (where debootstrap reads), SOURCES (contents of sources.list), DEBS (directory that keeps downloaded
# packages), PACKAGES (names, separated by commas), KERNEL_MODULES (what this machine's kernel has built in),
# SUDO_PASSWORD (of the user whose sudo asks).
set -euo pipefail
root=$1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

mkdir -p "$DEBS"
debootstrap --variant=minbase --include="$PACKAGES" --cache-dir="$DEBS" bookworm "$root" "$MIRROR"
printf '%s' "$SOURCES" >"$root/etc/apt/sources.list"
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"

# What a virtual or physical machine needs, and what fails or waits where the kernel is shared.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket \
  systemd-udevd-control.socket systemd-modules-load.service console-getty.service getty@tty1.service \
  systemd-timesyncd.service e2scrub_reap.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

for user in debian admin; do
  chroot "$root" useradd --create-home --shell /bin/bash "$user"
  echo "$user:$SUDO_PASSWORD" | chroot "$root" chpasswd
  chroot "$root" adduser --quiet "$user" sudo
done
echo 'debian ALL=(ALL) NOPASSWD:ALL' >"$root/etc/sudoers.d/debian"
chmod 0440 "$root/etc/sudoers.d/debian"

# `modprobe overlay` has to succeed as on a host of one's own; the kernel has these in it, or the machine loaded them.
modules="$root/lib/modules/$(uname -r)"
mkdir -p "$modules" "$root/etc/modules-load.d"
for module in $KERNEL_MODULES; do
  echo "kernel/$module.ko"
done >"$modules/modules.builtin"
touch "$modules/modules.order" "$modules/modules.builtin.modinfo"
chroot "$root" depmod

# What update-grub reads, and the kernel that it would find.
mkdir -p "$root/boot/grub" "$root/etc/default/grub.d"
printf 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n' >"$root/etc/default/grub"
touch "$root/boot/vmlinuz-$(uname -r)"
