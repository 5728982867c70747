import { broken, hosts, model, simulated, type BrokenConfig } from "./build";

const reference = "registry.example.com/weights/qwen3-8b:v1";
const image = { type: "image", reference };
const bucket = { type: "s3", url: "s3://models/qwen3-8b" };

/** Weights from elsewhere than Hugging Face, and GPUs by memory, that cannot work. */
export const weightMistakes: readonly BrokenConfig[] = [
  broken(
    "weights from an image without a tag",
    model("weights", { ...image, reference: "registry.example.com/qwen3-8b" }),
    [
      "models[0].weights.reference",
      '"registry.example.com/qwen3-8b"',
      /a tag other than latest, or a digest/,
      /add the tag or the digest/,
    ],
  ),
  broken("weights from a place outside of the image", model("weights", { ...image, path: "../etc" }), [
    "models[0].weights.path",
    '"../etc"',
    /a relative path without/,
    /correct it/,
  ]),
  broken("weights from a source that there is not", model("weights", { type: "ftp", url: bucket.url }), [
    "models[0].weights.type",
    '"ftp"',
    /"image" or "s3"/,
    /choose one of these/,
  ]),
  broken("weights from nowhere in particular", model("weights", { url: bucket.url }), [
    "models[0].weights.type",
    "not set",
    /"image" or "s3"/,
    /add it/,
  ]),
  broken("weights from an image without a name", model("weights", { type: "image" }), [
    "models[0].weights.reference",
    "not set",
    /text/,
    /add it/,
  ]),
  broken("weights from two sources", model("weights", { ...image, url: bucket.url }), [
    "models[0].weights.url",
    `unknown key, with value "${bucket.url}"`,
    /type, reference, path, pullSecret/,
    /remove it/,
  ]),
  broken(
    "weights from an image, downloaded",
    simulated(
      [["models", 0, "weights"], image],
      [["models", 0, "predownload"], true],
      [["models", 0, "revision"], undefined],
    ),
    ["models[0].predownload", "true", /nothing while weights says/, /remove one of the two/],
  ),
  broken(
    "weights from an image, at a revision",
    simulated([["models", 0, "weights"], image], [["models", 0, "revision"], "v1"]),
    ["models[0].revision", '"v1"', /nothing while weights says/, /weights names the version/],
  ),
  broken(
    "weights from an image on nodes that cannot mount it",
    hosts([["cluster", "kubernetesVersion"], "1.34.2"], [["models", 0, "weights"], image]),
    [
      "models[0].weights.reference",
      `"${reference}"`,
      /nothing on Kubernetes 1\.34\.2/,
      /raise cluster\.kubernetesVersion/,
    ],
  ),
  broken("weights from something else than a bucket", model("weights", { ...bucket, url: "https://models/qwen" }), [
    "models[0].weights.url",
    '"https://models/qwen"',
    /s3:\/\/bucket\/path/,
    /correct it/,
  ]),
  broken(
    "weights from a bucket, read in another way",
    simulated([["models", 0, "weights"], bucket], [["models", 0, "extraArgs"], ["--load_format=auto"]]),
    ["models[0].extraArgs[0]", '"--load_format=auto"', /runai_streamer/, /remove it/],
  ),
  broken(
    "weights from a bucket on CPU",
    simulated([["models", 0, "weights"], bucket], [["models", 0, "gpusPerReplica"], 0]),
    ["models[0].weights.type", '"s3"', /image on CPU/, /use an OCI image/],
  ),
  broken(
    "memory below what streams take",
    simulated(
      [["models", 0, "weights"], bucket],
      [["models", 0, "gpusPerReplica"], 8],
      [["models", 0, "resources"], { memory: "48Gi" }],
    ),
    ["models[0].resources.memory", '"48Gi"', /at least 72Gi: .* and 8 files of weights/, /raise it/],
  ),
  broken(
    "GPU memory beside a product",
    simulated([["models", 0, "gpuMemory"], "80Gi"], [["models", 0, "gpuProduct"], "MI300X"]),
    ["models[0].gpuMemory", '"80Gi"', /nothing beside gpuProduct/, /remove one/],
  ),
  broken("GPU memory that no GPU has", model("gpuMemory", "2Ti"), [
    "models[0].gpuMemory",
    '"2Ti"',
    /at most 288Gi, the most of a known amd GPU/,
    /lower it/,
  ]),
  broken("GPU memory that no node has", model("gpuMemory", "200Gi"), [
    "models[0].gpuMemory",
    '"200Gi"',
    /MI300X 191\.98 GiB/,
    /drivers report less/,
  ]),
  broken("GPU memory on CPU", simulated([["models", 0, "gpuMemory"], "80Gi"], [["models", 0, "gpusPerReplica"], 0]), [
    "models[0].gpuMemory",
    '"80Gi"',
    /nothing on CPU/,
    /remove it/,
  ]),
  broken(
    "root in a restricted namespace",
    simulated([["models", 0, "runAs"], "root"], [["namespaces", 0, "podSecurity"], "restricted"]),
    ["models[0].runAs", '"root"', /"nonRoot", as namespace chat is restricted/, /deviceGroups/],
  ),
];
