# shellcheck shell=bash
# What the kernel and the system must be like for kubelet: no swap, modules, settings, limits. On delete only the
# cluster's mark goes: the settings harm nobody.

readonly SYSCTL_FILE=/etc/sysctl.d/99-zz-inference-stack.conf
readonly MODULES_FILE=/etc/modules-load.d/inference-stack.conf
readonly LIMITS_FILE=/etc/security/limits.d/90-inference-stack.conf

# Without these pods do not run.
readonly NEEDED_SETTINGS="net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1"
# What kubelet sets itself where it may (protectKernelDefaults asks for exactly these).
readonly KUBELET_SETTINGS="vm.overcommit_memory=1 vm.panic_on_oom=0 kernel.panic=10 kernel.panic_on_oops=1 \
kernel.keys.root_maxkeys=1000000 kernel.keys.root_maxbytes=25000000"
# At least; eight GPUs with device plugin and exporters need more than a distribution gives.
readonly MINIMUM_SETTINGS="fs.inotify.max_user_instances=8192 fs.inotify.max_user_watches=186575 fs.inotify.max_queued_events=16384"

turn_swap_off() {
  local name
  while read -r name _; do
    log "turning off swap on $name"
    quietly swapoff "$name" ||
      fail "swap on $name cannot be turned off" "its contents do not fit the free memory, or the system does not allow it" \
        "stop what uses the memory, or reboot $HOST, and run pulumi up again"
  done < <(tail -n +2 /proc/swaps)
}

keep_swap_off() {
  # Units that come from fstab, from zram or from disks themselves all hang on this target.
  if [[ $(systemctl is-enabled swap.target 2>/dev/null || true) != masked ]]; then
    log "masking swap.target"
    quietly systemctl mask swap.target
  fi
  if awk '$1 !~ /^#/ && $3 == "swap" {found = 1} END {exit !found}' /etc/fstab; then
    awk '$1 !~ /^#/ && $3 == "swap" {print "# turned off by inference-stack: " $0; next} {print}' /etc/fstab >"$RUN_DIRECTORY/fstab"
    atomic_write /etc/fstab 0644 <"$RUN_DIRECTORY/fstab"
  fi
}

has_module() {
  [[ -d /sys/module/$1 ]] || grep -qs "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin"
}

load_modules() {
  local module
  printf 'overlay\nbr_netfilter\n' | atomic_write "$MODULES_FILE" 0644
  for module in overlay br_netfilter; do
    if has_module "$module"; then continue; fi
    log "loading the module $module"
    quietly modprobe "$module" ||
      fail "the kernel module $module cannot be loaded" "kernel $(uname -r) has no such module in /lib/modules" \
        "install the kernel's full module package, or reboot if the kernel was updated"
  done
}

setting_now() {
  cat "/proc/sys/${1//./\/}" 2>/dev/null || true
}

# The settings as they are to be, one a line; a higher value than the minimum stays.
wanted_settings() {
  local setting name now
  for setting in $NEEDED_SETTINGS; do echo "$setting"; done
  for setting in $MINIMUM_SETTINGS; do
    name=${setting%=*}
    now=$(setting_now "$name")
    if [[ $now =~ ^[0-9]+$ ]] && ((now > ${setting#*=})); then setting=$name=$now; fi
    echo "$setting"
  done
}

apply_setting() {
  local name=${1%=*} value=${1#*=}
  if [[ $(setting_now "$name") == "$value" ]]; then return 0; fi
  log "setting $name to $value"
  quietly sysctl -q -w "$name=$value"
}

apply_settings() {
  local setting wanted
  wanted=$(wanted_settings)
  # A leading `-` lets the system go on at boot where one of them cannot be set.
  { echo "$wanted" && for setting in $KUBELET_SETTINGS; do echo "-$setting"; done; } | atomic_write "$SYSCTL_FILE" 0644
  for setting in $wanted; do
    apply_setting "$setting" ||
      fail "${setting%=*} cannot be set to ${setting#*=}" "the kernel of $HOST does not let it" \
        "run on a machine whose /proc/sys is writable"
  done
  for setting in $KUBELET_SETTINGS; do
    apply_setting "$setting" 2>/dev/null || log "${setting%=*} stays $(setting_now "${setting%=*}"): the kernel does not let it be set"
  done
}

raise_limits() {
  printf '# RDMA registers memory, and servers hold many connections.\n* soft memlock unlimited\n* hard memlock unlimited\n* soft nofile 1048576\n* hard nofile 1048576\n' |
    atomic_write "$LIMITS_FILE" 0644
}

release_host() {
  if [[ -e /etc/kubernetes/kubelet.conf ]]; then
    log "the host is still a node: its mark stays"
    return
  fi
  remove_file "$CLUSTER_ID_FILE"
}

if [[ $ACTION == delete ]]; then
  release_host
  exit
fi
turn_swap_off
keep_swap_off
load_modules
apply_settings
raise_limits
print_facts hostname "$(hostname)" kernel "$(uname -r)"
