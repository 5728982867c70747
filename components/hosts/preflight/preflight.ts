import { local, types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { FleetConnection } from "../connection";
import type { PreflightInput } from "./input";
import type { PreflightPlan } from "./plan";
import { summary, type PreflightReport } from "./report";

export interface PreflightArgs {
  /** What the hosts are to become; see `planOf`. */
  readonly plan: PreflightPlan;
  /** The SSH public key of each host, by its name. */
  readonly hostKeys: Readonly<Record<string, pulumi.Input<string>>>;
  readonly fleet: FleetConnection;
}

/**
 * Looks at all hosts and fails, with all findings of all of them, unless they can become the cluster. Changes nothing on
 * a host. Depends on nothing but the connection; what changes a host depends on it.
 */
export class Preflight extends pulumi.ComponentResource {
  /** What was found when it last ran. */
  readonly report: pulumi.Output<PreflightReport>;
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, args: PreflightArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:hosts:Preflight", name, {}, opts);
    const command = new local.Command(
      name,
      {
        create: "node --import=tsx components/hosts/preflight/main.ts",
        stdin: pulumi.secret(input(args)),
        addPreviousOutputInEnv: false,
        logging: types.enums.local.Logging.Stderr,
      },
      { parent: this },
    );
    // The findings were shown as progress, which is gone when the update ends; the summary stays.
    this.report = pulumi.unsecret(command.stdout).apply(async (text) => {
      const report = JSON.parse(text) as PreflightReport;
      if (report.warnings > 0) {
        await pulumi.log.info(`${summary(report)}; npm run preflight shows them`, this);
      }
      return report;
    });
    this.resources = [command];
    this.registerOutputs({ report: this.report });
  }
}

function input({ plan, hostKeys, fleet }: PreflightArgs): pulumi.Output<string> {
  const { sshAgent = false, bastion } = fleet;
  return pulumi
    .all([
      fleet.clusterId,
      pulumi.all(hostKeys),
      bastion?.hostKey,
      pulumi.all({
        privateKey: fleet.privateKey,
        privateKeyPassphrase: fleet.privateKeyPassphrase,
        sudoPassword: fleet.sudoPassword,
      }),
    ])
    .apply(([clusterId, keys, bastionKey, secrets]) => {
      const content: PreflightInput = {
        plan: { ...plan, clusterId, hosts: plan.hosts.map((host) => ({ ...host, hostKey: keys[host.name] })) },
        credentials: { sshAgent, ...secrets },
        bastion: bastion && { ...bastion, hostKey: bastionKey },
      };
      return JSON.stringify(content);
    });
}
