/** Domains whose extended resources are accelerators, but for those listed as something else. */
const acceleratorDomains = new Set([
  "amd.com",
  "nvidia.com",
  "gpu.intel.com",
  "habana.ai",
  "aws.amazon.com",
  "google.com",
  "cloud-tpus.google.com",
  "huawei.com",
  "cambricon.com",
  "mthreads.com",
  "metax-tech.com",
  "hygon.com",
  "iluvatar.com",
  "iluvatar.ai",
  "kunlunxin.com",
  "qualcomm.com",
  "tenstorrent.com",
  "furiosa.ai",
  "rebellions.ai",
  "enflame.com",
  "deviceclass.resource.kubernetes.io",
]);

/**
 * Resources of these domains that are no device of their own: network cards, and the shares of memory or time that
 * go with a device which is asked for, and counted, beside them.
 */
const otherResources = [
  /^amd\.com\/v?nic$/,
  /^nvidia\.com\/(hostdev|rdma|sriov)/,
  /^nvidia\.com\/gpu(mem|mem-percentage|cores)$/,
  /^gpu\.intel\.com\/(millicores|memory\.max)$/,
  /^aws\.amazon\.com\/(efa|vf)/,
  /^google\.com\/(?!tpu)/,
];

/** Words that mark an accelerator in any other domain, e.g. `example.com/vgpu`, `k8s.amazonaws.com/vgpu`. */
const acceleratorWord = /gpu|vcuda|gaudi|neuron|(^|[^a-z])v?(dcu|npu|xpu|mlu|tpu)([^a-z]|$)/i;

/** Whether an extended resource name asks for a GPU, a slice of one, or another accelerator. */
export function isGpuResource(name: string): boolean {
  const slash = name.indexOf("/");
  if (slash <= 0) return false;
  if (otherResources.some((form) => form.test(name))) return false;
  if (acceleratorDomains.has(name.slice(0, slash).toLowerCase())) return true;
  return acceleratorWord.test(name.slice(slash + 1));
}

/**
 * Device classes (DRA) that are known to be no GPU. Any other class counts as one: its selectors can match
 * whatever the drivers of the cluster publish.
 */
const otherDeviceClass = /(^|[.-])(nic|net|network|rdma|cpu|memory|sriov|efa|dranet)([.-]|$)/;

export function isGpuDeviceClass(name: string): boolean {
  return /gpu|mig|tpu|npu/.test(name) || !otherDeviceClass.test(name);
}

/** A resource name with a count above zero inside a text, e.g. of `--set limits.amd\.com/gpu=8`. */
const askInText = /([a-z0-9.-]+\/[a-z0-9._-]+)["']?\s*[:=]\s*["']?[1-9]/gi;

/** Whether a text asks for GPUs, as YAML or a command line would. */
export function asksInText(text: string): boolean {
  return [...text.matchAll(askInText)].some(([, name]) => name !== undefined && isGpuResource(name));
}
