import { z } from "zod";

/** An RFC 1123 label: what Kubernetes accepts as the name of a namespace or a Service. */
export const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "lower-case letters, digits and '-', starting and ending with a letter or digit",
  )
  .max(63, "at most 63 characters");

/** An RFC 1123 subdomain: what Kubernetes accepts as the name of a Secret or a StorageClass. */
export const dnsSubdomain = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    "lower-case letters, digits, '-' and '.', starting and ending with a letter or digit",
  )
  .max(253, "at most 253 characters");

/** An IPv4 subnet. */
export const subnet = z.cidrv4("an IPv4 CIDR such as 192.168.1.0/24");

/** A Kubernetes quantity as config may hold it, e.g. `8`, `"500m"`, `"64Gi"`. */
export const quantity = z.union([
  z
    .string()
    .regex(
      /^(?=.*[1-9])[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/,
      "a Kubernetes quantity above 0, such as 500m, 8 or 64Gi",
    ),
  z.number().positive("a number above 0"),
]);

/** A size in bytes with a binary or decimal unit, e.g. `"50Gi"`. */
export const byteSize = z.string().regex(/^[1-9][0-9]*(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)$/, "a size with a unit, such as 50Gi");

/** GPU vendors whose Kubernetes resource names the stack knows. */
export const gpuVendor = z.enum(["amd", "nvidia"]);
export type GpuVendor = z.infer<typeof gpuVendor>;

/** The extended resource under which a vendor's device plugin advertises whole GPUs. */
export const gpuResourceName: Record<GpuVendor, string> = {
  amd: "amd.com/gpu",
  nvidia: "nvidia.com/gpu",
};
