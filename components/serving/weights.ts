import { readFileSync } from "node:fs";
import path from "node:path";
import type { ModelConfig } from "../config/schema/model";

const scriptFile = path.join(__dirname, "scripts", "download_weights.py");

/** What is downloaded for a model before its server starts. */
export type DownloadedModel = Pick<ModelConfig, "model" | "revision" | "loras" | "speculative">;

/**
 * Repositories that a server without network has to find in its cache, as `id@revision`. vLLM takes adapters from their
 * default branch: it has no way to name another.
 */
export function repositories({ model, revision, loras = [], speculative }: DownloadedModel): string[] {
  const adapters = loras.flatMap((lora) => ("id" in lora ? [`${lora.id}@main`] : []));
  const draft = speculative?.model === undefined ? [] : [`${speculative.model}@${speculative.revision ?? "main"}`];
  return [`${model}@${revision}`, ...draft, ...adapters];
}

/** The command that downloads a model's repositories; the release images hold Python and huggingface_hub. */
export function downloadCommand(model: DownloadedModel): string[] {
  return ["python3", "-c", readFileSync(scriptFile, "utf8"), ...repositories(model)];
}
