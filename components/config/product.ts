import { findGpu } from "../capacity/gpuCatalog";
import { hasMemory } from "../capacity/gpuMemory";
import { parseQuantity } from "../capacity/quantity";

/**
 * Whether a node label names a product: a live node's product is the label's own value, a configured one may be the
 * short name within it, as MI300X is in AMD_Instinct_MI300X_OAM.
 */
export function isProduct(label: string, product: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  return plain(label).includes(plain(product));
}

/**
 * Whether a node with a product's GPUs could run a model that asks for a product or for memory. What is not known of the
 * node, or of the product, does not rule it out.
 */
export function suitsProduct(
  { gpuProduct, gpuMemory }: { readonly gpuProduct?: string; readonly gpuMemory?: string },
  product: string | undefined,
): boolean {
  if (product === undefined) return true;
  if (gpuProduct !== undefined && !isProduct(gpuProduct, product)) return false;
  const gpu = findGpu(product);
  return gpuMemory === undefined || gpu === undefined || hasMemory(gpu, parseQuantity(gpuMemory));
}
