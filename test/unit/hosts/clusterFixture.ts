import { hostsSchema, type HostConfig, type HostsClusterConfig } from "../../../components/config/schema/hosts";

type HostInput = Pick<HostConfig, "name" | "address" | "role"> & Partial<HostConfig>;

export const controlPlane = (name: string, address: string, more: Partial<HostConfig> = {}): HostInput => ({
  name,
  address,
  role: "control-plane",
  ...more,
});

export const worker = (name: string, address: string, more: Partial<HostConfig> = {}): HostInput => ({
  name,
  address,
  role: "worker",
  ...more,
});

/** A cluster's config with all defaults. Defaults to one control plane and one worker. */
export function clusterConfig(
  hosts: readonly HostInput[] = [controlPlane("cp-1", "10.0.0.1"), worker("gpu-1", "10.0.0.11")],
  more: Record<string, unknown> = {},
): HostsClusterConfig {
  return hostsSchema.parse({ source: "hosts", hosts, ...more });
}
