import type { ModelConfig } from "../config/schema/model";
import { vllmVersion } from "../config/vllmRelease";

/** What a replica computes on; `none` is the CPU. */
export type Accelerator = ModelConfig["gpuVendor"];

/** Repositories of the vLLM project's own release images; `rocm/vllm` is deprecated since January 2026. */
const repositories: Readonly<Record<Accelerator, string>> = {
  amd: "vllm/vllm-openai-rocm",
  nvidia: "vllm/vllm-openai",
  none: "vllm/vllm-openai-cpu",
};

/** The container image of a model: its own, or the vLLM release for its accelerator, pinned by tag. */
export function imageOf(model: Pick<ModelConfig, "image" | "gpuVendor">): string {
  return model.image ?? `${repositories[model.gpuVendor]}:v${vllmVersion}`;
}

/** Whom the server runs as: `nonRoot` is user 2000 in group 0, the user that the CUDA image of vLLM ships. */
export type ContainerUser = "nonRoot" | "root";

export const nonRootUser = { uid: 2000, gid: 0 } as const;

/**
 * The user that works without a prepared host: root for AMD GPUs, because the usual udev rules leave /dev/kfd and
 * /dev/dri/renderD* to root and a host-specific `render` group (mode 0660), and a device plugin passes them on as
 * they are. NVIDIA devices are open to every user, a CPU model needs none.
 */
export function defaultUser(accelerator: Accelerator): ContainerUser {
  return accelerator === "amd" ? "root" : "nonRoot";
}

/**
 * Whether the server runs on a read-only root file system: as config says, else in the release images, which write to
 * the cache volume, /tmp and the home directory only. What another image writes to is not known.
 */
export function hasReadOnlyRoot({ readOnlyRoot, image }: Pick<ModelConfig, "readOnlyRoot" | "image">): boolean {
  return readOnlyRoot ?? image === undefined;
}
