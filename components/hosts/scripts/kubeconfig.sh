# shellcheck shell=bash
# Prints the administrator's kubeconfig. Run on the first control plane; its output is a secret.
# Values: SERVER (https://host:port, as those outside reach it)

readonly COPY=$RUN_DIRECTORY/kubeconfig

await_api
(umask 077 && cat "$ADMIN_CONF" >"$COPY")
cluster=$(kubectl --kubeconfig "$COPY" config view -o 'jsonpath={.clusters[0].name}')
kubectl --kubeconfig "$COPY" config set-cluster "$cluster" --server "$SERVER" >/dev/null
print_facts kubeconfig "$(kubectl --kubeconfig "$COPY" config view --raw --flatten -o json)"
rm -f "$COPY"
