import type * as k8s from "../kubernetes";
import { findModel } from "../capacity/modelCatalog";
import type { ModelConfig } from "../config/schema/model";

type Probe = k8s.types.input.core.v1.Probe;

/** Seconds for the part of a start that does not depend on size: imports, workers, compilation, graph capture. */
const fixedStartSeconds = 600;

/** MB/s at which weights arrive unless `storage.bandwidth` says: a download at 1.6 Gbit/s is the slow part. */
export const defaultBandwidth = 200;

/** Most checkpoints hold 2 bytes a parameter; a quantized one is smaller and starts within the budget all the same. */
const bytesPerParameter = 2;

/** Weights assumed where the name of a model does not tell: half of an MI300X's 192 GB per GPU, 32 GB on a CPU. */
const assumedWeightBytes = { perGpu: 96e9, cpu: 32e9 } as const;

/**
 * Parameters of a model as its Hugging Face id tells, by the custom of naming the total: `Qwen3-8B`, `SmolLM2-135M`,
 * `Qwen3-235B-A22B` (22 billion active), `Mixtral-8x7B` (counted as 56 billion, an upper bound), `Kimi-1T`.
 * Undefined when the id holds no size.
 */
export function parametersFromName(model: string): number | undefined {
  const name = model.split("/").at(-1) ?? model;
  const unit = { M: 1e6, B: 1e9, T: 1e12 } as const;
  const sizes = [...name.matchAll(/(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)([MBT])(?![A-Za-z0-9])/gi)].map(
    ([, experts, size, suffix]) =>
      Number(experts ?? 1) * Number(size) * unit[(suffix ?? "B").toUpperCase() as keyof typeof unit],
  );
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}

/** What the time of a start depends on. */
export type StartingModel = Pick<
  ModelConfig,
  "model" | "gpusPerReplica" | "nodesPerReplica" | "architecture" | "startupBudgetSeconds"
>;

/**
 * Bytes of a model's checkpoint, rather too many than too few: from the parameters in `architecture`, else the
 * catalogue's, else those in the model's name at 2 bytes each; an assumption a GPU where none of them tells.
 */
export function weightBytes({ model, gpusPerReplica, nodesPerReplica = 1, architecture }: StartingModel): number {
  if (typeof architecture === "object") return architecture.parameters * bytesPerParameter;
  const known = findModel(model)?.architecture;
  if (known !== undefined) {
    const { total, embedding, output, encoder } = known.parameters;
    // In a quantized checkpoint these three are not.
    const whole = known.quantization === undefined ? 0 : embedding + output + encoder;
    return total * (known.quantization?.bytes ?? bytesPerParameter) + whole * bytesPerParameter;
  }
  const parameters = parametersFromName(model);
  if (parameters !== undefined) return parameters * bytesPerParameter;
  return gpusPerReplica > 0 ? gpusPerReplica * nodesPerReplica * assumedWeightBytes.perGpu : assumedWeightBytes.cpu;
}

/** Seconds for the weights to arrive, at a bandwidth in MB/s. */
export function transferSeconds(model: StartingModel, bandwidth = defaultBandwidth): number {
  return Math.ceil(weightBytes(model) / (bandwidth * 1e6));
}

/**
 * Seconds that a replica may take from the start of its container until it answers: what config says, else a fixed part
 * and the transfer of the weights, rounded up to a minute. It excludes the image pull, which Kubernetes does not count.
 * Too short a budget restarts a model that would have come up; too long a one only delays the restart of one that hangs.
 *
 * @param bandwidth MB/s at which weights arrive; defaults to 200
 */
export function startupBudgetSeconds(model: StartingModel, bandwidth = defaultBandwidth): number {
  return model.startupBudgetSeconds ?? Math.ceil((fixedStartSeconds + transferSeconds(model, bandwidth)) / 60) * 60;
}

/** The three probes of a replica. */
export interface Probes {
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

/**
 * Probes of vLLM's HTTP server. /health is all it has of its own, and turns 200 before a model can serve, so
 * readiness asks for the list of models. Time-outs are 5 s and more: a saturated server answers late, and with the
 * default of 1 s it would be taken out of service, or restarted, just when it is needed.
 */
export function probes(startupBudget: number): Probes {
  const get = (path: string) => ({ path, port: "http" });
  const startupPeriod = 10;
  return {
    startupProbe: {
      httpGet: get("/health"),
      periodSeconds: startupPeriod,
      timeoutSeconds: 5,
      failureThreshold: Math.ceil(startupBudget / startupPeriod),
    },
    livenessProbe: { httpGet: get("/health"), periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6 },
    readinessProbe: { httpGet: get("/v1/models"), periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
  };
}
