import type { Progress } from "../toolchain";
import { parseAddressPool, poolContains, toNumber } from "./addressPool";
import type { Kubectl } from "./kubectl";
import type { ClusterState } from "./state";

interface Service {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly type: string };
  readonly status: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

/**
 * After a change of the pool, takes the addresses of all LoadBalancer Services back, so that each gets the one that its
 * node port stands for now. Keeping the old ones could give one address to two Services.
 */
export async function reassignAddresses(
  kubectl: Kubectl,
  state: ClusterState,
  addressPool: readonly string[],
  report: Progress,
): Promise<void> {
  if (state.addressPool === undefined || JSON.stringify(state.addressPool) === JSON.stringify(addressPool)) {
    return;
  }
  const pool = parseAddressPool(addressPool);
  const { items } = await kubectl.getJson<{ items: Service[] }>(["services", "--all-namespaces"]);
  for (const { metadata, spec, status } of items) {
    const addresses = status.loadBalancer?.ingress ?? [];
    if (spec.type !== "LoadBalancer" || addresses.length === 0) {
      continue;
    }
    const outside = addresses.filter(({ ip }) => ip !== undefined && !poolContains(pool, toNumber(ip)));
    report.note(
      `Service ${metadata.namespace}/${metadata.name} gets a new address: the pool changed` +
        (outside.length > 0 ? ` and no longer holds ${outside.map(({ ip }) => ip).join(", ")}` : ""),
    );
    const service = ["patch", "service", metadata.name, "-n", metadata.namespace];
    await kubectl.run([...service, "--subresource=status", "--type=merge", "-p", '{"status":{"loadBalancer":null}}']);
  }
}
