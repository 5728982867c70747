# shellcheck shell=bash
# The namespace of everything that validation runs on the cluster; sent after kubernetes.sh.

readonly NAMESPACE=inference-stack-validation

# apply_in_namespace <MANIFEST: whichever of the checks comes first makes the namespace.
apply_in_namespace() {
  { printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n---\n' "$NAMESPACE" && cat; } |
    admin apply -f - >/dev/null
}
