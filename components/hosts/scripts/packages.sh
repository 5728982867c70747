# shellcheck shell=bash
# Installs containerd and, at one version, kubelet, kubeadm and kubectl, and holds them. A host that has them keeps the
# versions it has: raising them is the upgrade's business.
# Values: KUBERNETES_VERSION, KUBERNETES_REPOSITORY, KUBERNETES_KEY, DEBIAN_MIRROR, UBUNTU_MIRROR (addresses, or
#   empty), CONTAINERD_PACKAGE, CONTAINERD_VERSION (or empty for the newest), CONTAINERD_REPOSITORY (empty for the
#   distribution's own package), CONTAINERD_KEY, CONTAINERD_SUITE (empty for the code name), CONTAINERD_COMPONENT
# Files: apt.conf (proxy settings, may be empty)

readonly KUBERNETES_PACKAGES="kubelet kubeadm kubectl"
# Certificates for package sources by https; iptables for the rules that CNI plugins make; crictl to ask containerd by, and
# ping to prove the pod network.
readonly TOOLS="ca-certificates iptables cri-tools iputils-ping"

distribution() {
  # shellcheck source=/dev/null
  (. /etc/os-release && printf '%s' "${!1}")
}

configure_proxy() {
  local file=/etc/apt/apt.conf.d/95inference-stack-proxy
  if [[ -s $FILES/apt.conf ]]; then
    # It may hold the proxy's password.
    atomic_write "$file" 0600 <"$FILES/apt.conf"
  else
    remove_file "$file"
  fi
}

# The distribution's own sources, moved to a mirror: the originals would be asked first and not answer.
mirror_distribution() {
  local mirror pattern security file
  case $(distribution ID) in
  debian)
    mirror=${DEBIAN_MIRROR%/}
    pattern='https?://[^ /]*debian\.org/debian'
    ;;
  *)
    mirror=${UBUNTU_MIRROR%/}
    pattern='https?://([^ /]*archive|security)\.ubuntu\.com/ubuntu'
    ;;
  esac
  if [[ -z $mirror ]]; then return; fi
  security=$mirror
  if [[ $mirror == */debian ]]; then security=${mirror%/debian}/debian-security; fi
  for file in /etc/apt/sources.list "$SOURCES"/*.list "$SOURCES"/*.sources; do
    if [[ $file == */inference-stack-* ]] || ! grep -Eqs "$pattern" "$file"; then continue; fi
    if [[ ! -e $file.before-inference-stack ]]; then cp -p "$file" "$file.before-inference-stack"; fi
    sed -E -e "s#https?://[^ /]*debian\.org/debian-security/?#$security#g" -e "s#$pattern/?#$mirror#g" "$file" >"$RUN_DIRECTORY/source"
    atomic_write "$file" 0644 <"$RUN_DIRECTORY/source"
  done
}

add_repositories() {
  add_repository kubernetes "$KUBERNETES_REPOSITORY /" "$KUBERNETES_KEY"
  if [[ -z $CONTAINERD_REPOSITORY ]]; then return; fi
  add_repository containerd "$CONTAINERD_REPOSITORY ${CONTAINERD_SUITE:-$(distribution VERSION_CODENAME)} $CONTAINERD_COMPONENT" \
    "$CONTAINERD_KEY"
}

# What is not installed yet, as apt's arguments, one a line.
missing_packages() {
  local package
  for package in $TOOLS; do
    if [[ -z $(installed_version "$package") ]]; then echo "$package"; fi
  done
  if [[ -z $(installed_version "$CONTAINERD_PACKAGE") ]]; then
    exact "$CONTAINERD_PACKAGE" "$CONTAINERD_VERSION" "$CONTAINERD_VERSION"
  fi
  for package in $KUBERNETES_PACKAGES; do
    if [[ -z $(installed_version "$package") ]]; then exact "$package" "$KUBERNETES_VERSION-" "$KUBERNETES_VERSION"; fi
  done
}

# exact PACKAGE PREFIX VERSION: the package with its full version.
exact() {
  local found
  if [[ -z $2 ]]; then
    echo "$1"
    return
  fi
  found=$(available_version "$1" "$2")
  if [[ -z $found ]]; then
    fail "no package source has $1 $3" "the sources hold: $(apt-cache madison "$1" | awk -F '[| ]+' '{print $3}' | tr '\n' ' ')" \
      "choose one of these versions, or bring $1 $3 to the mirror (cluster.mirrors.apt)"
  fi
  echo "$1=$found"
}

is_complete() {
  local package
  for package in $TOOLS "$CONTAINERD_PACKAGE" $KUBERNETES_PACKAGES; do
    if [[ -z $(installed_version "$package") ]]; then return 1; fi
  done
}

hold_packages() {
  local package held
  held=$(apt-mark showhold)
  for package in "$CONTAINERD_PACKAGE" $KUBERNETES_PACKAGES; do
    if grep -qx "$package" <<<"$held"; then continue; fi
    log "holding $package at $(installed_version "$package")"
    quietly apt-mark hold "$package"
  done
}

# Held packages stay as they are: a containerd from another source would take its place in vain.
release_other_containerd() {
  local owner
  owner=$(dpkg-query --search /usr/bin/containerd 2>/dev/null | cut -d : -f 1) || return 0
  if [[ $owner == "$CONTAINERD_PACKAGE" ]]; then return; fi
  log "$CONTAINERD_PACKAGE takes the place of $owner"
  quietly apt-mark unhold "$owner"
}

install_packages() {
  local wanted list
  update_lists
  release_other_containerd
  list=$(missing_packages)
  mapfile -t wanted <<<"$list"
  log "installing ${wanted[*]}"
  if ! apt install --no-install-recommends "${wanted[@]}" || ! is_complete; then
    explain_apt "packages cannot be installed"
  fi
}

configure_proxy
finish_interrupted_install
mirror_distribution
add_repositories
if ! is_complete; then install_packages; fi
hold_packages
print_facts kubernetes "$(installed_version kubelet)" containerd "$(installed_version "$CONTAINERD_PACKAGE")"
