import type { Check } from "./context";

/**
 * A container image reference: [registry[:port]/]path[:tag][@algorithm:digest], after the grammar of the
 * distribution project.
 */
const reference = new RegExp(
  [
    "^(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?(?::[0-9]+)?/)?",
    "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*",
    "(?<tag>:\\w[\\w.-]{0,127})?(?<digest>@sha256:[0-9a-f]{64})?$",
  ].join(""),
);

/** What is wrong with an image that is not named for good: without tag and digest, or by the tag latest. */
export function imageFault(image: string): { readonly named: string; readonly next: string } | undefined {
  const groups = reference.exec(image)?.groups;
  const isPinned = groups && (groups.digest !== undefined || (groups.tag !== undefined && groups.tag !== ":latest"));
  if (isPinned) return undefined;
  const next = groups ? "add the tag or the digest" : "correct the reference: registry/path:tag";
  return { named: "an image with a tag other than latest, or a digest", next };
}

/** Images are named so that the same config gives the same server tomorrow. */
export const checkImages: Check = ({ config, problem }) =>
  config.models.flatMap(({ image }, index) => {
    const fault = image === undefined ? undefined : imageFault(image);
    if (fault === undefined) return [];
    return [problem(["models", index, "image"], `${fault.named}, such as vllm/vllm-openai-rocm:v0.33.0`, fault.next)];
  });
