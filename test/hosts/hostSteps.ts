import { spawnSync } from "node:child_process";
import path from "node:path";
import { hostsSchema, type HostsClusterConfig } from "../../components/config/schema/hosts";
import { gpuSchema } from "../../components/config/schema/platform";
import { connectTo, type FleetConnection } from "../../components/hosts/connection";
import { planOf, type PreflightPlan } from "../../components/hosts/preflight/plan";
import type { PreflightReport } from "../../components/hosts/preflight/report";
import { runPreflight } from "../../components/hosts/preflight/run";
import { connect, execute, type Credentials, type Ended } from "../../components/hosts/preflight/ssh";
import { Prerequisites } from "../../components/hosts/prerequisites";
import { recordProgram, type RecordedResource } from "../unit/mocks";
import type { Lab } from "./lab";

const root = path.join(__dirname, "../..");
/** Milliseconds for one step. */
const STEP_TIMEOUT = 300_000;

/** A lab's hosts as the config of a cluster, and what the program would do with them. Without engine and state. */
export class HostSteps {
  constructor(
    private readonly lab: Lab,
    private readonly clusterId: string,
  ) {}

  /** The first host is a control plane. Fields of `hosts` are set on all of them. */
  cluster(overrides: Readonly<Record<string, unknown>> = {}, ofHosts: object = {}): HostsClusterConfig {
    const hosts = this.lab.hosts.map(({ name, address, hostKey, gpus }, index) => ({
      ...{ name, address, hostKey, gpus, role: index === 0 ? "control-plane" : "worker" },
      ...ofHosts,
    }));
    return hostsSchema.parse({ source: "hosts", hosts, kubelet: { failCgroupV1: false }, ...overrides });
  }

  preflight(
    cluster: HostsClusterConfig,
    credentials: Partial<Credentials> = {},
    more: Partial<PreflightPlan> = {},
  ): Promise<PreflightReport> {
    return runPreflight({
      plan: { ...planOf(cluster, gpuSchema.parse({}), { clusterId: this.clusterId }), ...more },
      bastion: cluster.bastion,
      credentials: { sshAgent: false, privateKey: this.lab.privateKey, ...credentials },
    });
  }

  /** What a host shows at the first contact, as `trustOnFirstUse` asks for it. */
  firstKey(host: string): string {
    const input = JSON.stringify({
      host: { address: this.lab.host(host).address, port: 22, user: "root" },
      credentials: { sshAgent: false },
    });
    const program = ["--import=tsx", "components/hosts/preflight/firstKey.ts"];
    const { stdout, stderr } = spawnSync("node", program, { cwd: root, input, encoding: "utf8" });
    return stdout.trim() || stderr;
  }

  /** The steps of a host's prerequisites whose names match, in order. */
  async steps(host: string, cluster: HostsClusterConfig, names = /./, sudoPassword?: string): Promise<Step[]> {
    const fleet: FleetConnection = { privateKey: this.lab.privateKey, clusterId: this.clusterId, sudoPassword };
    const hostKeys = Object.fromEntries(cluster.hosts.map(({ name, hostKey }) => [name, hostKey ?? ""]));
    const connections = new Map(cluster.hosts.map((one) => [one.name, connectTo(one, one.hostKey ?? "", fleet)]));
    const program = await recordProgram(
      () => new Prerequisites("prerequisites", { cluster, connections, hostKeys, fleet, after: [] }),
    );
    const user = cluster.hosts.find(({ name }) => name === host)?.user ?? "root";
    return program.resources
      .filter(({ custom, name }) => custom && name.startsWith(`${host}-`) && names.test(name))
      .map((resource) => new Step(this.lab, host, user, resource));
  }

  /** Runs them one after the other. @throws at the first that fails, with what it said */
  async run(host: string, cluster: HostsClusterConfig, names = /./, sudoPassword?: string): Promise<string> {
    let progress = "";
    for (const step of await this.steps(host, cluster, names, sudoPassword)) {
      const { code, stderr } = await step.run();
      if (code !== 0) throw new Error(`${step.name} ended with ${code}: ${stderr}`);
      progress += stderr;
    }
    return progress;
  }
}

/** A command that the program would hand to the engine. */
export class Step {
  constructor(
    private readonly lab: Lab,
    private readonly host: string,
    private readonly user: string,
    private readonly resource: RecordedResource,
  ) {}

  get name(): string {
    return this.resource.name;
  }

  /** Runs it as the engine's provider does: a local command here, a remote one over SSH. */
  async run(action: "create" | "delete" = "create"): Promise<Ended> {
    const { type, inputs } = this.resource;
    const command = String(inputs[action]);
    const input = String(inputs.stdin);
    if (type === "command:local:Command") {
      const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { cwd: root, input, encoding: "utf8" });
      return { code: status ?? 1, stdout, stderr };
    }
    const { address, hostKey } = this.lab.host(this.host);
    const client = await connect(
      { address, hostKey, port: 22, user: this.user },
      { sshAgent: false, privateKey: this.lab.privateKey },
    );
    try {
      return await execute(client, command, input, STEP_TIMEOUT);
    } finally {
      client.end();
    }
  }
}
