# shellcheck shell=bash
# Tells all that the preflight's rows need to know of a host, and changes nothing on it. Every fact is text, as the
# kernel or a tool prints it; an empty one means that the host cannot say. hostFacts.ts reads them.
# Set before: PEERS (lines `name address port`), DOWNLOADS (lines `id url`), NAMES (one a line), MODEL_PATH,
# KUBERNETES_PACKAGES (address of an apt repository), KUBERNETES_VERSION, HTTP_PROXY_URL, HTTPS_PROXY_URL, NO_PROXY_LIST.
set -u
export LC_ALL=C
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export http_proxy=$HTTP_PROXY_URL https_proxy=$HTTPS_PROXY_URL no_proxy=$NO_PROXY_LIST
# Seconds to wait for another host, and for a download.
readonly REACH_TIMEOUT=3 DOWNLOAD_TIMEOUT=20

facts=()
scratch=$(mktemp -d /run/inference-stack-preflight.XXXXXX) || exit 1
trap 'rm -rf "$scratch"' EXIT

# fact NAME COMMAND…: what the command prints, whether or not it succeeds: a missing tool leaves the fact empty.
fact() {
  local name=$1
  shift
  facts+=("$name" "$("$@" 2>/dev/null)")
}

# Credentials in proxy addresses are nobody's business.
without_credentials() {
  sed -E 's#//[^@/[:space:]]*@#//***@#g'
}

has() {
  command -v "$1" >/dev/null
}

swap_in_fstab() {
  awk '$1 !~ /^#/ && $3 == "swap"' /etc/fstab
}

# Kernel modules that can neither be loaded nor are part of the kernel.
missing_modules() {
  local module
  for module in overlay br_netfilter; do
    if [[ ! -d /sys/module/$module ]] && ! modprobe --dry-run "$module"; then echo "$module"; fi
  done
}

# Settings that the prerequisites set and that this kernel does not let anybody set.
read_only_settings() {
  local setting
  for setting in net/ipv4/ip_forward fs/inotify/max_user_instances; do
    if [[ ! -w /proc/sys/$setting ]]; then echo "$setting $(cat "/proc/sys/$setting")"; fi
  done
}

missing_tools() {
  local tool
  for tool in losetup mount cp; do
    if ! has "$tool"; then echo "$tool"; fi
  done
}

container_runtimes() {
  local service
  for service in docker crio k3s k3s-agent rke2-server rke2-agent snap.microk8s.daemon-kubelite k0scontroller k0sworker; do
    if systemctl is-active --quiet "$service"; then echo "$service"; fi
  done
}

leftovers() {
  local file
  for file in /etc/kubernetes/manifests/*.yaml /etc/kubernetes/{admin,kubelet,bootstrap-kubelet}.conf \
    /etc/kubernetes/pki/ca.crt /var/lib/etcd/* /etc/cni/net.d/*; do
    if [[ -e $file ]]; then echo "$file"; fi
  done
  ip -brief link | awk '{print $1}' | grep -E '^(cni0|flannel\.1|vxlan\.calico|kube-ipvs0|cali[0-9a-f]|tunl0)' | sed 's/@.*//; s/^/link /'
}

# Which process holds a lock that apt or dpkg need, by the kernel's table of POSIX locks.
package_locks() {
  local lock inode pid
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    inode=$(stat -c %i "$lock") || continue
    while read -r pid; do
      echo "$lock $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done < <(awk -v inode="$inode" '$2 != "->" && $6 ~ ":" inode "$" {print $5}' /proc/locks)
  done
}

package_versions() {
  dpkg-query --show --showformat '${Package} ${db:Status-Abbrev} ${Version}\n' \
    kubelet kubeadm kubectl containerd containerd.io docker-ce docker.io unattended-upgrades amdgpu-dkms
}

containerd_candidate() {
  apt-cache policy containerd | awk '$1 == "Candidate:" {print $2}'
}

# Free bytes and inodes where a path is, or would be made: `path free-bytes free-inodes`.
free_space() {
  local path at
  for path in / /var/lib/containerd /var/lib/kubelet /var/lib/etcd $MODEL_PATH; do
    at=$path
    while [[ ! -d $at ]]; do at=$(dirname "$at"); done
    echo "$path $(df --block-size=1 --output=avail,iavail "$at" | tail -n 1)"
  done
}

rotational_disk() {
  local device
  device=$(df --output=source /var/lib | tail -n 1)
  lsblk --nodeps --noheadings --output ROTA "$device" | tr -d ' '
}

# All display and accelerator devices: `address vendor device class speed width`.
pci_devices() {
  local device class
  for device in /sys/bus/pci/devices/*; do
    class=$(cat "$device/class") || continue
    case $class in
    0x03* | 0x12*)
      echo "${device##*/} $(cat "$device/vendor") $(cat "$device/device") $class" \
        "$(cut -d ' ' -f 1 "$device/current_link_speed") $(cat "$device/current_link_width")"
      ;;
    esac
  done
}

gpu_devices() {
  stat -c '%n %a %G' /dev/kfd /dev/dri/renderD* /dev/nvidia[0-9]*
}

secure_boot() {
  mokutil --sb-state || od --address-radix=n --skip-bytes=4 --format=u1 /sys/firmware/efi/efivars/SecureBoot-*
}

acs_enabled() {
  lspci -vvv | grep ACSCtl | grep -c 'SrcValid+'
}

# RDMA ports: `device/port state netdev`.
rdma_ports() {
  local port
  for port in /sys/class/infiniband/*/ports/*; do
    if [[ ! -e $port/state ]]; then continue; fi
    echo "$(basename "$(dirname "$(dirname "$port")")")/${port##*/} $(sed 's/.*: //' "$port/state")" \
      "$(cd "$port/../../device/net" && echo *)"
  done
}

# Kernels on the disk, the newest last.
installed_kernels() {
  local image
  for image in /boot/vmlinuz-*; do
    if [[ -e $image ]]; then echo "${image#/boot/vmlinuz-}"; fi
  done | sort --version-sort
}

proxy_settings() {
  grep -ihE '(http|https|no)_proxy' /etc/environment /etc/systemd/system/{containerd,kubelet}.service.d/*.conf | without_credentials
}

# Rules that make traffic of pods or nodes die: `what detail`.
firewall() {
  local rules
  if systemctl is-active --quiet firewalld; then echo "firewalld active"; fi
  if has ufw && ufw status | grep -q '^Status: active'; then echo "ufw active"; fi
  rules=$(nft list ruleset || iptables-save)
  if grep -Eq 'hook input .*policy drop|^:INPUT DROP' <<<"$rules"; then echo "input-policy drop"; fi
  if grep -Eq 'hook forward .*policy drop|^:FORWARD DROP' <<<"$rules"; then echo "forward-policy drop"; fi
  if grep -Eq 'host-prohibited' <<<"$rules"; then echo "reject icmp-host-prohibited"; fi
  if has iptables-legacy-save && iptables-legacy-save | grep -q '^-A'; then echo "iptables-legacy rules"; fi
  grep -lE 'KUBE-|cali-|CILIUM' /etc/iptables/rules.v4 /etc/iptables/rules.v6 | sed 's/^/saved-rules /'
}

# Settings of other files that set back what the prerequisites set, if they are read later.
conflicting_settings() {
  grep -HsE '^[[:space:]]*net\.ipv4\.ip_forward[[:space:]]*=[[:space:]]*0' /etc/sysctl.d/*.conf /etc/sysctl.conf
}

logind_delay() {
  grep -hs '^InhibitDelayMaxSec' /usr/lib/systemd/logind.conf.d/*.conf /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf | tail -n 1
}

network_manager() {
  if ! systemctl is-active --quiet NetworkManager; then return; fi
  if grep -qs 'unmanaged-devices.*cali' /etc/NetworkManager/conf.d/*.conf; then echo excluded; else echo active; fi
}

# reach_peer NAME ADDRESS PORT: a refused connection proves the way as well as an open port does.
reach_peer() {
  local error
  # shellcheck disable=SC2016 # The inner shell is to expand them.
  error=$(timeout "$REACH_TIMEOUT" bash -c ': >"/dev/tcp/$1/$2"' reach "$2" "$3" 2>&1)
  case $?:$error in
  0:* | *refused*) echo "$1 $2 reached" ;;
  *) echo "$1 $2 unreachable" ;;
  esac
}

reach_peers() {
  local name address port
  while read -r name address port; do
    if [[ -n $name ]]; then reach_peer "$name" "$address" "$port" & fi
  done <<<"$PEERS"
  wait
}

resolve_names() {
  local name
  while read -r name; do
    if [[ -n $name ]]; then echo "$name $(timeout "$DOWNLOAD_TIMEOUT" getent ahosts "$name" | awk 'NR == 1 {print $1}')"; fi
  done <<<"$NAMES"
}

# download URL FILE: prints the HTTP status, or 000 and why. A bare host has no curl, but apt.
download() {
  local output
  if has curl; then
    output=$(curl --silent --show-error --location --max-time "$DOWNLOAD_TIMEOUT" --output "$2" \
      --write-out '%{http_code}' --header 'Accept: application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, */*' "$1" 2>&1)
    echo "${output: -3} ${output%???}"
  elif output=$(timeout "$DOWNLOAD_TIMEOUT" /usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file "$1" "$2" 2>&1); then
    echo 200
  else
    output=$(grep -E '^(Err|E:)|^ ' <<<"$output" | tr -s ' \n' ' ')
    if [[ $output =~ \ (4[0-9][0-9])\  ]]; then echo "${BASH_REMATCH[1]} $output"; else echo "000 $output"; fi
  fi
}

check_downloads() {
  local id url
  while read -r id url; do
    if [[ -n $id ]]; then { echo "$id $(download "$url" "$scratch/$id" | tr '\n' ' ')"; } & fi
  done <<<"$DOWNLOADS"
  wait
}

# Versions of kubeadm that the repository has, of the release that is wanted.
kubernetes_packages() {
  local index=$scratch/Packages status
  status=$(download "$KUBERNETES_PACKAGES/Packages" "$index")
  if [[ $status != 200* ]]; then
    status=$(download "$KUBERNETES_PACKAGES/Packages.gz" "$index.gz")
    if [[ $status == 200* ]]; then gzip --decompress --force "$index.gz"; fi
  fi
  echo "status $status"
  awk -v version="$KUBERNETES_VERSION-" '$1 == "Package:" {name = $2}
    $1 == "Version:" && index($2, version) == 1 {print name, $2}' "$index" | sort --unique
}

# The package source that a first `apt-get update` would ask.
apt_source() {
  local url
  url=$(apt-get update --print-uris | awk -F "'" 'NR == 1 {print $2}')
  if [[ -n $url ]]; then echo "$url $(download "$url" "$scratch/apt-source")"; fi
}

etcd_members() {
  local container
  if [[ ! -e /etc/kubernetes/manifests/etcd.yaml ]]; then return; fi
  container=$(crictl ps --quiet --name '^etcd$' | head -n 1)
  timeout "$DOWNLOAD_TIMEOUT" crictl exec "$container" etcdctl --endpoints 127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt \
    --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key member list
}

gather_local() {
  fact clusterId cat /etc/inference-stack/cluster-id
  fact osRelease cat /etc/os-release
  fact init cat /proc/1/comm
  fact architecture uname -m
  fact kernel uname -r
  fact cpus nproc --all
  fact meminfo cat /proc/meminfo
  fact cgroupType stat -fc %T /sys/fs/cgroup
  fact cgroupControllers cat /sys/fs/cgroup/cgroup.controllers
  fact swaps cat /proc/swaps
  fact swapInFstab swap_in_fstab
  fact missingModules missing_modules
  fact readOnlySettings read_only_settings
  fact conflictingSettings conflicting_settings
  fact missingTools missing_tools
  fact containerRuntimes container_runtimes
  fact hostname hostname
  fact hostnameAddress getent hosts "$(hostname)"
  fact productUuid cat /sys/class/dmi/id/product_uuid
  fact machineId cat /etc/machine-id
  fact links ip -brief link
  fact addresses ip -oneline address
  fact routes ip -oneline route
  fact mtus ip -oneline link
  fact listening ss --no-header --listening --tcp --numeric --processes
  fact leftovers leftovers
  fact timedatectl timedatectl show
  fact ntpServices systemctl list-units --plain --no-legend --state=active chrony.service chronyd.service ntp.service ntpsec.service systemd-timesyncd.service
  fact resolvConf cat /etc/resolv.conf
  fact resolvedConf cat /run/systemd/resolve/resolv.conf
  fact resolvedActive systemctl is-active systemd-resolved
  fact proxySettings proxy_settings
  fact firewall firewall
  fact rpFilter cat /proc/sys/net/ipv4/conf/all/rp_filter
  fact networkManager network_manager
}

gather_machine() {
  fact packageLocks package_locks
  fact dpkgAudit dpkg --audit
  fact packages package_versions
  fact containerdCandidate containerd_candidate
  fact unattendedUpgrades systemctl is-enabled unattended-upgrades.service
  fact logindDelay logind_delay
  fact space free_space
  fact rotationalDisk rotational_disk
  fact multipath systemctl is-active multipathd
  fact propagation findmnt --noheadings --output PROPAGATION /
  fact pciDevices pci_devices
  fact gpuDevices gpu_devices
  fact kernelModules ls /sys/module
  fact dkms dkms status
  fact kernelHeaders stat -L -c %F "/lib/modules/$(uname -r)/build"
  fact secureBoot secure_boot
  fact commandLine cat /proc/cmdline
  fact iommuGroups ls /sys/class/iommu
  fact numaBalancing cat /proc/sys/kernel/numa_balancing
  fact governor cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
  fact acsEnabled acs_enabled
  fact rdmaPorts rdma_ports
  fact rebootRequired cat /run/reboot-required
  fact installedKernels installed_kernels
}

# Each of them may wait for another machine: all at once.
gather_network() {
  local name pids=()
  for name in etcd_members:etcdMembers reach_peers:reach resolve_names:names check_downloads:downloads \
    kubernetes_packages:kubernetesPackages apt_source:aptSource; do
    "${name%:*}" >"$scratch/fact-${name#*:}" 2>/dev/null &
    pids+=("$!")
  done
  wait "${pids[@]}"
  for name in etcdMembers reach names downloads kubernetesPackages aptSource; do
    fact "$name" cat "$scratch/fact-$name"
  done
}

gather_local
gather_machine
gather_network
print_facts "${facts[@]}"
