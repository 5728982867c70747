import { z } from "zod";

/** A taint that a model's pods may run beside; as Kubernetes spells it. */
export const tolerationSchema = z
  .strictObject({
    key: z.string().min(1).describe("Key of the taint"),
    operator: z.enum(["Exists", "Equal"]).default("Exists").describe("Whether the taint's value matters"),
    value: z.string().optional().describe("Value of the taint; needed with operator: Equal"),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().describe("All effects when absent"),
  })
  .describe("A taint that the model's pods tolerate, beside that of their GPU vendor");

const seconds = z.int().max(86_400, "at most a day");

/** How a replica leaves service. */
export const drainSchema = z
  .strictObject({
    preStopSeconds: seconds
      .min(0)
      .default(15)
      .describe("Pause before SIGTERM, in which Kubernetes takes the pod out of the Service"),
    drainSeconds: seconds.min(0).default(120).describe("Time that requests in flight may take after that"),
    slackSeconds: seconds.min(1).default(15).describe("Time to stop workers and free GPU memory, before SIGKILL"),
    closeConnections: z
      .boolean()
      .optional()
      .describe(
        "Make clients leave their connections: streams always close theirs, other answers from the pause on; so by default in the release images",
      ),
  })
  .describe("How a replica leaves service; the pod's grace period is the sum");

/** How a changed model is rolled out. */
export const rolloutSchema = z.enum(["auto", "surge", "replace"]);

export type TolerationConfig = z.output<typeof tolerationSchema>;
