import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as k8s from "@pulumi/kubernetes";
import { loadStackFile } from "../../components/config/stackFile";
import { Serving } from "../../components/serving/serving";
import { Tenancy } from "../../components/tenancy/tenancy";
import { recordProgram, type RecordedResource } from "../unit/mocks";
import { tenantName, writeWorkload } from "./workload";

/** A kubeconfig as long as a real one: the engine sends the provider's properties with each resource. */
const kubeconfig = `apiVersion: v1\nkind: Config\n${"# certificate data\n".repeat(300)}`;

/**
 * What the program registers for a number of tenants with a model each, as the benchmark's workload has them. One tenant
 * is taken from the program itself; the others are the same under their own names.
 */
export async function tenantResources(tenants: number): Promise<RecordedResource[]> {
  const [first] = [tenantName(0)];
  const program = await recordOneTenant();
  const shared = program.filter(({ urn, inputs }) => !`${urn} ${JSON.stringify(inputs)}`.includes(first));
  const own = program.filter((resource) => !shared.includes(resource));
  const copies = Array.from({ length: tenants }, (_, index) => renamed(own, first, tenantName(index)));
  return [...shared, ...copies.flat()];
}

async function recordOneTenant(): Promise<readonly RecordedResource[]> {
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-bench-"));
  try {
    const config = loadStackFile(writeWorkload(directory, 1).configFile);
    const { resources } = await recordProgram(
      () => {
        const provider = new k8s.Provider("cluster", { kubeconfig });
        const gpuVendor = config.gpu.vendor;
        const tenants = new Map(
          config.namespaces.map((namespace) => [
            namespace.name,
            new Tenancy(namespace.name, { namespace, gpuVendor }, { provider }),
          ]),
        );
        const nodes = [{ gpus: { amd: 8 }, cpus: 192, memory: 1024 ** 4 }];
        const hfToken = (): never => {
          throw new Error("the benchmark's models need no token");
        };
        new Serving("serving", { ...config, nodes, tenants, hfToken }, { provider });
      },
      { preview: true },
    );
    return resources;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function renamed(resources: readonly RecordedResource[], from: string, to: string): RecordedResource[] {
  return JSON.parse(JSON.stringify(resources).replaceAll(from, to)) as RecordedResource[];
}
