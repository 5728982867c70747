#!/bin/bash
# plainPrepare.sh MINOR: makes a bare Debian host ready for kubeadm, as root on the host, by the letter of "Container
# Runtimes" and "Installing kubeadm" on kubernetes.io. MINOR is the release of Kubernetes, such as 1.36.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
repository=https://pkgs.k8s.io/core:/stable:/v$1/deb
keyring=/etc/apt/keyrings/kubernetes-apt-keyring.gpg

swapoff -a
printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/k8s.conf
modprobe overlay
modprobe br_netfilter
cat >/etc/sysctl.d/k8s.conf <<SETTINGS
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
net.ipv4.ip_forward = 1
SETTINGS
sysctl --system

apt-get update
# Without what Debian recommends beside them, which is more than the stack installs.
apt-get install -y --no-install-recommends apt-transport-https ca-certificates containerd curl gpg
mkdir -p /etc/containerd
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' >/etc/containerd/config.toml
systemctl restart containerd

install -d -m 755 /etc/apt/keyrings
curl -fsSL "$repository/Release.key" | gpg --dearmor -o "$keyring"
echo "deb [signed-by=$keyring] $repository/ /" >/etc/apt/sources.list.d/kubernetes.list
apt-get update
apt-get install -y kubelet kubeadm kubectl
apt-mark hold kubelet kubeadm kubectl
