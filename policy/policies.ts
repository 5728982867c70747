import type { Policies } from "@pulumi/policy";
import { crdDeleteGuard } from "./crdDeleteGuard";
import { devicePluginOrDra } from "./devicePluginOrDra";
import { disruptionBudgets } from "./disruptionBudgets";
import { gpuBudget } from "./gpuBudget";
import { gpuCountsManaged } from "./gpuCountsManaged";
import { gpuDemandKnown } from "./gpuDemandKnown";
import { gpuNodeSelection } from "./gpuNodeSelection";
import { gpuPodPriority } from "./gpuPodPriority";
import { gpuProducts } from "./gpuProducts";
import { gpuQuotaPerNamespace } from "./gpuQuotaPerNamespace";
import { gpuQuotaPerStack } from "./gpuQuotaPerStack";
import { gpuRequestsEqualLimits } from "./gpuRequestsEqualLimits";
import { gpuResourceQuota } from "./gpuResourceQuota";
import { gracefulTermination } from "./gracefulTermination";
import { hostPaths } from "./hostPaths";
import { imageSources } from "./imageSources";
import { loadBalancerTls } from "./loadBalancerTls";
import { minimumReplicas } from "./minimumReplicas";
import { noGpuDeviceAccess } from "./noGpuDeviceAccess";
import { noHostAccess } from "./noHostAccess";
import { noPlainSecrets } from "./noPlainSecrets";
import { noVisibleDevicesEnv } from "./noVisibleDevicesEnv";
import { Ledger } from "./pack/ledger";
import { protectedResources } from "./protectedResources";
import { rollingUpdateProgress } from "./rollingUpdateProgress";
import { serviceLinks } from "./serviceLinks";
import { servingProbes } from "./servingProbes";

/** The policies of the pack, in the order in which they run: gpu-demand first, since the quotas use its counts. */
export function policies(): Policies {
  const ledger = new Ledger();
  return [
    gpuDemandKnown(ledger),
    gpuQuotaPerNamespace(ledger),
    gpuQuotaPerStack(ledger),
    gpuCountsManaged(ledger),
    gpuResourceQuota(ledger),
    gpuBudget(ledger),
    gpuProducts(ledger),
    devicePluginOrDra(ledger),
    disruptionBudgets(ledger),
    gpuRequestsEqualLimits,
    gpuNodeSelection,
    gpuPodPriority,
    noGpuDeviceAccess,
    noVisibleDevicesEnv,
    noHostAccess,
    hostPaths,
    imageSources,
    noPlainSecrets,
    gracefulTermination,
    servingProbes,
    rollingUpdateProgress,
    minimumReplicas,
    loadBalancerTls,
    protectedResources,
    crdDeleteGuard,
    serviceLinks,
  ];
}
