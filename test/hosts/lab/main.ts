import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { main } from "../../../cli/main";
import { labDirectory } from "../../../cli/paths";
import { consoleProgress } from "../../../sim/toolchain";
import { Lab } from "./lab";
import { describe, isAbandoned, labs, lastingSlot } from "./registry";
import { whyNoLab } from "./requirements";
import { sudoPassword, users } from "./users";

const usage = `usage: npm run lab -- up | down | status | hosts | ssh HOST [COMMAND…]
  --directory DIR   where the lab keeps its files (default: .sim/lab of this checkout)
  --slot N          number of the lab, 0 to 15; its addresses are 10.123.N.11 and on (default: 0; "any": a free one)
  --hosts LIST      for up: NAME or NAME:GPUS, separated by commas (default: h1:8,h2:8)
  --isolated        for up: no outside world; starts without building it first
  --containerd2     for up: containerd 2 in Docker's repository; three minutes of CPU time the first time
  --user USER       for ssh: root (default), ${users.passwordless} (sudo without a password) or ${users.withPassword} (sudo asks: ${sudoPassword})`;

const lists = ["--directory", "--slot", "--hosts", "--user"];

/** The lab of `make lab-up`, `make lab-ssh` and `make lab-down`: hosts that stay until they are taken down. */
main(async (args) => {
  const own = ownArguments(args);
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    options: {
      directory: { type: "string", default: labDirectory },
      slot: { type: "string", default: String(lastingSlot) },
      hosts: { type: "string", default: "h1:8,h2:8" },
      user: { type: "string", default: "root" },
      isolated: { type: "boolean", default: false },
      containerd2: { type: "boolean", default: false },
    },
  });
  const directory = path.resolve(values.directory);
  const reason = whyNoLab();
  if (reason !== undefined) {
    throw new Error(`No lab on this machine: ${reason}.`);
  }
  switch (positionals[0]) {
    case "up":
      return up(directory, values);
    case "down":
      return down(directory);
    case "status":
      return status();
    case "hosts":
      return hosts(Lab.attach(directory));
    case "ssh":
      return ssh(Lab.attach(directory), positionals[1] ?? "", values.user, args.slice(own.length));
    case undefined:
    default:
      console.error(usage);
      return 2;
  }
});

/** Arguments up to the host of `ssh`; what follows is the command to run there. */
function ownArguments(args: readonly string[]): string[] {
  let positionals = 0;
  for (let index = 0; index < args.length; index++) {
    if (lists.includes(args[index]!)) {
      index += 1;
    } else if (!args[index]!.startsWith("--")) {
      positionals += 1;
    }
    if (positionals === 2) {
      return args.slice(0, index + 1);
    }
  }
  return [...args];
}

interface UpOptions {
  readonly slot: string;
  readonly hosts: string;
  readonly isolated: boolean;
  readonly containerd2: boolean;
}

async function up(directory: string, { slot, hosts: list, isolated, containerd2 }: UpOptions): Promise<number> {
  const running = labs().find((lab) => lab.directory === directory && !isAbandoned(lab));
  const lab =
    running !== undefined
      ? Lab.attach(directory)
      : await Lab.start({
          directory,
          slot: slot === "any" ? undefined : Number(slot),
          lasting: true,
          world: !isolated,
          containerd2,
          hosts: list
            .split(",")
            .map((entry) => ({ name: entry.split(":")[0]!, gpus: Number(entry.split(":")[1] ?? 0) })),
          report: consoleProgress(),
        });
  // A host that was turned off meanwhile.
  await Promise.all(lab.hosts.filter((host) => !host.isOn).map((host) => host.powerOn()));
  return hosts(lab);
}

async function down(directory: string): Promise<number> {
  const removed = await Lab.removeFrom(directory, consoleProgress());
  console.log(removed ? `Removed the lab in ${directory}.` : `No lab runs in ${directory}.`);
  return 0;
}

function status(): number {
  const all = labs();
  console.log(all.length === 0 ? "No lab runs on this machine." : all.map(describe).join("\n"));
  return 0;
}

function hosts(lab: Lab): number {
  for (const { name, address, gpus, hostKey, isOn } of lab.hosts) {
    console.log([name.padEnd(8), address.padEnd(14), `${gpus} GPUs`, isOn ? "on " : "off", hostKey].join("  "));
  }
  return 0;
}

/** Uses the ssh client of this machine with the lab's key, and the host's key pinned. */
function ssh(lab: Lab, name: string, user: string, command: readonly string[]): Promise<number> {
  const host = lab.host(name);
  const [key, known] = [path.join(lab.directory, "id_ed25519"), path.join(lab.directory, "known_hosts")];
  writeFileSync(key, lab.privateKey, { mode: 0o600 });
  writeFileSync(known, lab.hosts.map(({ address, hostKey }) => `${address} ${hostKey}\n`).join(""));
  const options = [`UserKnownHostsFile=${known}`, "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"];
  const args = ["-i", key, ...options.flatMap((option) => ["-o", option]), `${user}@${host.address}`, ...command];
  const child = spawn("ssh", args, { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
