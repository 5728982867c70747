import { z } from "zod";
import { clusterSchema } from "./cluster";
import { modelSchema, type ModelConfig } from "./model";
import {
  addonsSchema,
  chartSourceSchema,
  gpuSchema,
  loadBalancerSchema,
  namespaceSchema,
  storageSchema,
} from "./platform";

/** Values that must be encrypted: `pulumi config set --secret --path 'secrets.hfTokens.<name>'`. */
export const secretsSchema = z
  .strictObject({
    hfTokens: z
      .record(z.string(), z.string().regex(/^\S+$/, "a token without spaces or line breaks"))
      .default({})
      .describe("Hugging Face tokens by name"),
    kubeconfig: z.string().min(1).optional().describe("Contents of the kubeconfig for cluster.source: kubeconfig"),
    sshPrivateKey: z.string().min(1).optional().describe("SSH private key for cluster.source: hosts"),
    sshPrivateKeyPassphrase: z.string().min(1).optional().describe("Passphrase of the SSH private key, if it has one"),
    sudoPassword: z.string().min(1).optional().describe("Password that sudo asks for on the hosts, if it does"),
  })
  .describe("Everything secret, encrypted by Pulumi; other keys only name what is here");

/** The keys of `Pulumi.<stack>.yaml` in the project's namespace. */
export const stackSchema = z.strictObject({
  cluster: clusterSchema,
  gpu: gpuSchema.prefault({}),
  loadBalancer: loadBalancerSchema.prefault({}),
  storage: storageSchema.prefault({ type: "local" }),
  addons: addonsSchema.prefault({}),
  chartSource: chartSourceSchema.default("official"),
  namespaces: z.array(namespaceSchema).min(1).describe("Namespaces for models, each with its GPU quota"),
  models: z.array(modelSchema).default([]).describe("The models to serve"),
  secrets: secretsSchema.prefault({}),
});

export type RawStackConfig = z.output<typeof stackSchema>;
export type SecretsConfig = z.output<typeof secretsSchema>;

/** The checked config of a stack. Secrets are apart: they are only ever Outputs. */
export interface StackConfig extends Omit<RawStackConfig, "models" | "secrets"> {
  readonly models: readonly ModelConfig[];
}
