import { findGpu } from "../../capacity/gpuCatalog";
import { mostMemory } from "../../capacity/gpuMemory";
import { parseQuantity } from "../../capacity/quantity";
import type { Path } from "../paths";
import { isProduct, suitsProduct } from "../product";
import type { ModelConfig } from "../schema/model";
import type { Check, CheckContext, CheckProblem } from "./context";

type GpuCheck = (context: CheckContext, model: ModelConfig, at: Path) => CheckProblem[];

/** Products of the nodes with a vendor's GPUs; undefined where some are not known. */
function productsOf({ config }: CheckContext, vendor: ModelConfig["gpuVendor"]): string[] | undefined {
  const { cluster, gpu } = config;
  if (cluster.source === "kubeconfig") return undefined;
  const nodes = cluster.source === "simulated" ? cluster.nodeGroups : cluster.hosts;
  const fallback = gpu.vendor === "nvidia" ? "nvidia" : "amd";
  const products = nodes
    .filter((node) => node.gpus > 0 && (node.vendor ?? fallback) === vendor)
    .map(({ product }) => product);
  return products.some((product) => product === undefined) ? undefined : [...new Set(products as string[])];
}

const knownProduct: GpuCheck = (context, { gpuProduct, gpuVendor }, at) => {
  if (gpuProduct === undefined) return [];
  const path: Path = [...at, "gpuProduct"];
  const basis: Path[] = [["cluster"], ["gpu", "vendor"], [...at, "vendor"], [...at, "gpusPerReplica"]];
  if (gpuVendor === "none") return [context.problem(path, "nothing on CPU", "remove it, or set gpusPerReplica", basis)];
  const products = productsOf(context, gpuVendor);
  if (products === undefined || products.some((product) => isProduct(gpuProduct, product))) return [];
  const allowed = `a label that names a product of the ${gpuVendor} nodes: ${products.join(", ")}`;
  return [context.problem(path, allowed, "correct it, or leave it out", basis)];
};

const enoughMemory: GpuCheck = (context, { gpuMemory, gpuProduct, gpuVendor }, at) => {
  if (gpuMemory === undefined) return [];
  const path: Path = [...at, "gpuMemory"];
  const basis: Path[] = [["cluster"], ["gpu", "vendor"], [...at, "vendor"], [...at, "gpusPerReplica"]];
  if (gpuVendor === "none") return [context.problem(path, "nothing on CPU", "remove it, or set gpusPerReplica", basis)];
  if (gpuProduct !== undefined)
    return [context.problem(path, "nothing beside gpuProduct", "remove one of the two", [[...at, "gpuProduct"]])];
  const most = mostMemory(gpuVendor);
  if (parseQuantity(gpuMemory) > Math.round(most) * 2 ** 30) {
    const allowed = `at most ${Math.floor(most)}Gi, the most of a known ${gpuVendor} GPU`;
    return [context.problem(path, allowed, "lower it, or name a gpuProduct", basis)];
  }
  const products = productsOf(context, gpuVendor);
  if (products === undefined || products.some((product) => suitsProduct({ gpuMemory }, product))) return [];
  const sizes = products.map((product) => `${product} ${findGpu(product)?.memoryGiB ?? "?"} GiB`).join(", ");
  const allowed = `at most what GPUs of the ${gpuVendor} nodes have: ${sizes}`;
  return [context.problem(path, allowed, "lower it: drivers report less than data sheets", basis)];
};

const allowedUser: GpuCheck = ({ config, problem }, { runAs, namespace }, at) => {
  const index = config.namespaces.findIndex(({ name }) => name === namespace);
  if (runAs !== "root" || config.namespaces[index]?.podSecurity !== "restricted") return [];
  const allowed = `"nonRoot", as namespace ${namespace} is restricted`;
  const basis: Path[] = [
    [...at, "namespace"],
    ["namespaces", index],
  ];
  return [problem([...at, "runAs"], allowed, "set deviceGroups to reach AMD GPUs without root", basis)];
};

const gpuChecks: readonly GpuCheck[] = [knownProduct, enoughMemory, allowedUser];

/** Which GPUs a model asks for, and as whom it may use them. */
export const checkGpuChoice: Check = (context) =>
  context.models.flatMap((model, index) => gpuChecks.flatMap((check) => check(context, model, ["models", index])));
