import type { Check, CheckContext, CheckProblem } from "./context";
import { checkCluster } from "./cluster";
import { checkDrivers } from "./drivers";
import { checkExtraArgs } from "./extraArgs";
import { checkFit } from "./fit";
import { checkGpuChoice } from "./gpuChoice";
import { checkGpus } from "./gpus";
import { checkHosts } from "./hosts";
import { checkImages } from "./images";
import { checkLoadBalancer } from "./loadBalancer";
import { checkNames } from "./names";
import { checkNetworks } from "./networks";
import { checkParallelism } from "./parallelism";
import { checkPassThrough } from "./passThrough";
import { checkQuotas } from "./quotas";
import { checkResources } from "./resources";
import { checkSecrets } from "./secrets";
import { checkServing } from "./serving";
import { checkStorage } from "./storage";
import { checkWeights } from "./weights";

const checks: readonly Check[] = [
  checkNames,
  checkCluster,
  checkHosts,
  checkNetworks,
  checkPassThrough,
  checkDrivers,
  checkGpus,
  checkLoadBalancer,
  checkStorage,
  checkParallelism,
  checkResources,
  checkFit,
  checkQuotas,
  checkImages,
  checkExtraArgs,
  checkServing,
  checkWeights,
  checkGpuChoice,
  checkSecrets,
];

/** Runs every cross-field check and gathers what they find. */
export function allChecks(context: CheckContext): CheckProblem[] {
  return checks.flatMap((check) => check(context));
}
