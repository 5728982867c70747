import { flagName } from "../engineFlags";
import type { Path } from "../paths";
import type { ModelConfig } from "../schema/model";
import type { Check, CheckContext, CheckProblem } from "./context";
import { imageFault } from "./images";

/** The first minor version of Kubernetes 1 whose nodes mount images as volumes unasked (feature gate ImageVolume). */
const imageVolumesSince = 35;

type SourceCheck = (context: CheckContext, model: ModelConfig, at: Path) => CheckProblem[];

/** Keys that say how to get weights from Hugging Face. */
const oneSource: SourceCheck = ({ problem }, { predownload, revision }, at) => {
  const basis: Path[] = [[...at, "weights"]];
  const nothing = "nothing while weights says where they come from";
  return [
    ...(predownload === true ? [problem([...at, "predownload"], nothing, "remove one of the two", basis)] : []),
    ...(revision !== "main"
      ? [problem([...at, "revision"], nothing, "remove it: weights names the version", basis)]
      : []),
  ];
};

const pinnedImage: SourceCheck = ({ problem }, { weights }, at) => {
  if (weights?.type !== "image") return [];
  const fault = imageFault(weights.reference);
  return fault === undefined ? [] : [problem([...at, "weights", "reference"], fault.named, fault.next)];
};

const imageVolumes: SourceCheck = ({ problem, config: { cluster } }, { weights }, at) => {
  if (weights?.type !== "image" || cluster.source !== "hosts") return [];
  if (Number(cluster.kubernetesVersion.split(".")[1]) >= imageVolumesSince) return [];
  const allowed = `nothing on Kubernetes ${cluster.kubernetesVersion}: nodes mount images from 1.${imageVolumesSince} on`;
  const basis: Path[] = [["cluster", "kubernetesVersion"]];
  return [
    problem(
      [...at, "weights", "reference"],
      allowed,
      "raise cluster.kubernetesVersion, or take weights.type: s3",
      basis,
    ),
  ];
};

const streamer: SourceCheck = ({ problem }, { weights, gpuVendor, image, extraArgs }, at) => {
  if (weights?.type !== "s3") return [];
  const basis: Path[] = [[...at, "weights"]];
  const formats = extraArgs.flatMap((argument, index) => (flagName(argument) === "--load-format" ? [index] : []));
  const allowed = "nothing with weights.type: s3, which is read by --load-format runai_streamer";
  return [
    ...formats.map((index) => problem([...at, "extraArgs", index], allowed, "remove it", basis)),
    ...(gpuVendor === "none" && image === undefined
      ? [
          problem(
            [...at, "weights", "type"],
            "image on CPU: vLLM's release image for CPUs is not known to hold the streamer",
            "use an OCI image, or a container image of your own with vllm[runai]",
            [
              [...at, "gpusPerReplica"],
              [...at, "image"],
            ],
          ),
        ]
      : []),
  ];
};

const sourceChecks: readonly SourceCheck[] = [oneSource, pinnedImage, imageVolumes, streamer];

/** Weights from elsewhere than Hugging Face. */
export const checkWeights: Check = (context) =>
  context.models.flatMap((model, index) =>
    model.weights === undefined ? [] : sourceChecks.flatMap((check) => check(context, model, ["models", index])),
  );
