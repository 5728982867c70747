import type { Policies } from "@pulumi/policy";
import { gpuDemandKnown } from "./gpuDemandKnown";
import { gpuQuotaPerNamespace } from "./gpuQuotaPerNamespace";
import { gpuQuotaPerStack } from "./gpuQuotaPerStack";
import { gpuRequestsEqualLimits } from "./gpuRequestsEqualLimits";
import { noGpuDeviceAccess } from "./noGpuDeviceAccess";
import { noVisibleDevicesEnv } from "./noVisibleDevicesEnv";
import { Ledger } from "./pack/ledger";

/** The policies of the pack, in the order in which they run: gpu-demand first, since the quotas use its counts. */
export function policies(): Policies {
  const ledger = new Ledger();
  return [
    gpuDemandKnown(ledger),
    gpuQuotaPerNamespace(ledger),
    gpuQuotaPerStack(ledger),
    gpuRequestsEqualLimits,
    noGpuDeviceAccess,
    noVisibleDevicesEnv,
  ];
}
