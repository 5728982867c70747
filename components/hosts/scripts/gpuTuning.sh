# shellcheck shell=bash
# Settings of GPU hosts that the config asks for, and whether a reboot is needed before they hold. On delete they go
# from the disk; the running kernel keeps them until its next boot.
# Values: KERNEL_PARAMETERS (words), IOMMU_PASSTHROUGH, NUMA_BALANCING_OFF, BLACKLIST_NOUVEAU (yes or no),
#   HUGE_PAGE_SIZE (2Mi, 1Gi or empty), HUGE_PAGE_COUNT

readonly GRUB_FILE=/etc/default/grub.d/zz-inference-stack.cfg
readonly SYSCTL_FILE=/etc/sysctl.d/99-zz-inference-stack-gpu.conf
readonly NOUVEAU_FILE=/etc/modprobe.d/inference-stack-nouveau.conf
# What waits for a reboot, one a line, for the step that may do it.
readonly REBOOT_FILE=/var/lib/inference-stack/reboot-needed

kernel_parameters() {
  local words=()
  if [[ $IOMMU_PASSTHROUGH == yes ]]; then
    if grep -q GenuineIntel /proc/cpuinfo; then words+=(intel_iommu=on); fi
    words+=(iommu=pt)
  fi
  if [[ $NUMA_BALANCING_OFF == yes ]]; then words+=(numa_balancing=disable); fi
  case $HUGE_PAGE_SIZE in
  2Mi) words+=("hugepagesz=2M" "hugepages=$HUGE_PAGE_COUNT") ;;
  1Gi) words+=("hugepagesz=1G" "hugepages=$HUGE_PAGE_COUNT") ;;
  esac
  read -ra more <<<"$KERNEL_PARAMETERS"
  echo "${words[@]}" "${more[@]}"
}

missing_parameters() {
  local word line
  line=" $(cat /proc/cmdline) "
  for word in $(kernel_parameters); do
    if [[ $line != *" $word "* ]]; then printf '%s ' "$word"; fi
  done
}

# The boot loader's configuration is younger than what it is made from?
grub_is_current() {
  [[ -e /boot/grub/grub.cfg && ! $GRUB_FILE -nt /boot/grub/grub.cfg ]] && ! was_written "$GRUB_FILE"
}

set_kernel_parameters() {
  local words
  words=$(kernel_parameters)
  if [[ -z ${words// /} ]]; then
    remove_file "$GRUB_FILE"
    if ! was_written "$GRUB_FILE"; then return; fi
  elif ! command -v update-grub >/dev/null; then
    if [[ -z $(missing_parameters) ]]; then return; fi
    fail "kernel parameters cannot be set" "$HOST does not boot by GRUB (there is no update-grub)" \
      "set them in its boot loader yourself: $words"
  else
    # shellcheck disable=SC2016 # GRUB's own variable.
    printf 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX %s"\n' "$words" | atomic_write "$GRUB_FILE" 0644
    if grub_is_current; then return; fi
  fi
  log "updating the boot loader's configuration"
  quietly update-grub
}

turn_numa_balancing_off() {
  if [[ $NUMA_BALANCING_OFF != yes ]]; then
    remove_file "$SYSCTL_FILE"
    return
  fi
  # Kernel updates bring it back: the system writes it at each boot.
  printf -- '-kernel.numa_balancing=0\n' | atomic_write "$SYSCTL_FILE" 0644
  if [[ $(cat /proc/sys/kernel/numa_balancing 2>/dev/null || echo 0) == 0 ]]; then return; fi
  log "turning automatic NUMA balancing off"
  quietly sysctl -q -w kernel.numa_balancing=0
}

huge_pages_file() {
  case $HUGE_PAGE_SIZE in
  2Mi) echo /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages ;;
  1Gi) echo /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages ;;
  esac
}

missing_huge_pages() {
  local file
  file=$(huge_pages_file)
  if [[ -z $file ]]; then return; fi
  if (($(cat "$file" 2>/dev/null || echo 0) < HUGE_PAGE_COUNT)); then echo "$HUGE_PAGE_COUNT huge pages of $HUGE_PAGE_SIZE"; fi
}

blacklist_nouveau() {
  if [[ $BLACKLIST_NOUVEAU == yes ]]; then
    printf 'blacklist nouveau\noptions nouveau modeset=0\n' | atomic_write "$NOUVEAU_FILE" 0644
  else
    remove_file "$NOUVEAU_FILE"
  fi
  # Also where an earlier run was cut before this.
  if was_written "$NOUVEAU_FILE" || [[ -e $NOUVEAU_FILE && $NOUVEAU_FILE -nt /boot/initrd.img-$(uname -r) ]]; then
    log "updating the initial file system"
    quietly update-initramfs -u
  fi
}

# What holds only after a reboot, one a line.
reboot_reasons() {
  local missing
  missing=$(missing_parameters)
  if [[ -n $missing ]]; then echo "kernel parameters ${missing% }"; fi
  missing_huge_pages
  if [[ $BLACKLIST_NOUVEAU == yes && -d /sys/module/nouveau ]]; then echo "nouveau is loaded"; fi
}

if [[ $ACTION == delete ]]; then
  KERNEL_PARAMETERS="" IOMMU_PASSTHROUGH=no NUMA_BALANCING_OFF=no HUGE_PAGE_SIZE="" BLACKLIST_NOUVEAU=no
fi
set_kernel_parameters
turn_numa_balancing_off
blacklist_nouveau
reasons=$(reboot_reasons)
if [[ -n $reasons ]]; then
  log "a reboot is needed: ${reasons//$'\n'/, }"
  printf '%s\n' "$reasons" | atomic_write "$REBOOT_FILE" 0644
else
  remove_file "$REBOOT_FILE"
fi
print_facts rebootNeeded "$reasons"
