#!/bin/sh
# PID 1 of a lab host until it hands over to systemd. nspawn leaves /proc/sys, /sys and the cgroups read-only: this
# opens what belongs to the host alone, and gives it copies of what it would share with the machine.
set -e
machine=/usr/local/lib/machine
private=/run/machine
mkdir -p "$private"

open_sysctls() {
  mount --bind /proc/sys/net /proc/sys/net
  mount -o remount,rw,bind /proc/sys/net
  # Not namespaced: what a provisioner, kubeadm or the kubelet writes here must not change the machine.
  for name in kernel/panic kernel/panic_on_oops kernel/pid_max kernel/keys/root_maxkeys kernel/keys/root_maxbytes \
    kernel/numa_balancing kernel/sysrq kernel/core_pattern kernel/nmi_watchdog kernel/randomize_va_space \
    vm/overcommit_memory vm/panic_on_oom vm/swappiness vm/max_map_count vm/nr_hugepages vm/compaction_proactiveness \
    vm/zone_reclaim_mode fs/inotify/max_user_instances fs/inotify/max_user_watches fs/inotify/max_queued_events \
    fs/file-max fs/nr_open fs/aio-max-nr fs/protected_fifos fs/protected_hardlinks fs/protected_regular \
    fs/protected_symlinks; do
    [ -e "/proc/sys/$name" ] || continue
    mkdir -p "$private/sys/${name%/*}"
    cat "/proc/sys/$name" >"$private/sys/$name"
    mount --bind "$private/sys/$name" "/proc/sys/$name"
  done
}

# The sysfs that nspawn mounts shows the machine's network interfaces. This one shows the host's and lets it write to
# them; the rest is the machine's and stays read-only.
show_interfaces() {
  mkdir -p "$private/cgroup"
  mount --rbind /sys/fs/cgroup "$private/cgroup"
  umount --recursive /sys
  mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
  mount -o remount,ro,bind /sys
  mount --bind /sys/devices/virtual/net /sys/devices/virtual/net
  mount -o remount,rw,bind /sys/devices/virtual/net
  mount --rbind "$private/cgroup" /sys/fs/cgroup
  umount --recursive "$private/cgroup"
}

open_cgroups() {
  mount -o remount,rw,bind /sys/fs/cgroup
  # cgroup v1: a mount for each hierarchy.
  for hierarchy in /sys/fs/cgroup/*; do
    if mountpoint -q "$hierarchy"; then
      mount -o remount,rw,bind "$hierarchy"
    fi
  done
}

# A product_uuid of its own, also where the machine has no DMI table at all.
show_dmi() {
  if [ -e /sys/class/dmi/id/product_uuid ]; then
    mount --bind "$machine/dmi/product_uuid" /sys/class/dmi/id/product_uuid
    return
  fi
  # sysfs takes no new entries: /sys/class becomes a directory with the kernel's classes mounted in it. Their links
  # are relative to their place, which stays the same.
  mkdir -p "$private/class"
  mount --bind /sys/class "$private/class"
  mount -t tmpfs -o mode=755 tmpfs /sys/class
  for class in "$private"/class/*; do
    mkdir "/sys/class/${class##*/}"
    mount --bind "$class" "/sys/class/${class##*/}"
  done
  umount "$private/class"
  mkdir -p /sys/class/dmi/id
  cp -p "$machine"/dmi/* /sys/class/dmi/id/
}

show_gpus() {
  mount --bind "$machine/pci" /sys/bus/pci/devices
  if [ -d "$machine/modules/amdgpu" ]; then
    mkdir -p "$private/module"
    mount --bind /sys/module "$private/module"
    mount -t tmpfs -o mode=755 tmpfs /sys/module
    ln -s "$private"/module/* /sys/module/
    cp -r "$machine/modules/." /sys/module/
    mknod -m 0666 /dev/kfd c 1 3
    mkdir -p /dev/dri
    number=128
    for device in "$machine"/pci/*; do
      if [ "$(cat "$device/vendor")" = 0x1002 ]; then
        mknod -m 0666 "/dev/dri/renderD$number" c 1 3
        number=$((number + 1))
      fi
    done
  fi
}

# What the boot loader would have passed on, see update-grub.
show_command_line() {
  [ -e /boot/grub/grub.cfg ] || update-grub 2>/dev/null
  sed -n 's/^\tlinux \([^ ]*\) \(.*[^ ]\) *$/BOOT_IMAGE=\1 \2/p' /boot/grub/grub.cfg >"$private/cmdline"
  mount --bind "$private/cmdline" /proc/cmdline
}

mount --make-rprivate /
open_sysctls
show_interfaces
open_cgroups
show_dmi
show_gpus
show_command_line
# The kubelet passes mounts on to containers; systemd shares them only where it is the machine's own.
mount --make-rshared /
exec /lib/systemd/systemd
