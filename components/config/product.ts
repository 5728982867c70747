/**
 * Whether a node label names a product: a live node's product is the label's own value, a configured one may be the
 * short name within it, as MI300X is in AMD_Instinct_MI300X_OAM.
 */
export function isProduct(label: string, product: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  return plain(label).includes(plain(product));
}
