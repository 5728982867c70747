# shellcheck shell=bash
# Before a worker's upgrade and after it, from a control plane: away with its pods, then back with them.
# Values: NODE, WHEN (before or after), KUBERNETES_VERSION, DRAIN_TIMEOUT (seconds)

version_of_node() {
  admin get node "$NODE" -o 'jsonpath={.status.nodeInfo.kubeletVersion}'
}

is_upgraded() {
  [[ $(version_of_node) == "v$KUBERNETES_VERSION" ]]
}

await_api
case $WHEN in
before)
  if ! is_upgraded; then drain_node upgrade; fi
  ;;
after)
  await 120 is_upgraded ||
    fail "$NODE still reports $(version_of_node)" "its kubelet was upgraded to v$KUBERNETES_VERSION but does not come up" \
      "look at journalctl -u kubelet on $NODE"
  uncordon_node
  ;;
*)
  fail "unknown value WHEN=$WHEN" "it is before or after" "report this"
  ;;
esac
print_facts node "$NODE" version "$(version_of_node)"
