import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { consoleProgress, ensureTools } from "../../sim/toolchain";
import { Lab } from "../../test/hosts/lab";
import { answer } from "../ask/chat";
import { stopOnInterrupt } from "../arguments";
import { readStatus } from "../clusterStatus";
import type { Engine } from "../engine";
import { readPolicyResult } from "../events";
import { main } from "../main";
import { labDirectory, labStackDirectory, root } from "../paths";
import { Phases, type PolicyResult } from "../phases";
import { recoverInterrupted } from "../recover";
import { renderStatus } from "../renderStatus";
import { policyArguments } from "../stack";
import { kubeconfigInState, writeKubeconfig } from "../stateKubeconfig";
import { prepareLabStack } from "./stack";

const kubeconfigFile = path.join(labStackDirectory, "kubeconfig");
const question = "What is a Kubernetes cluster made of?";

/** `make lab-up`: bare hosts on this machine, the stack `lab` on them, and a request that its model answers. */
main(async () => {
  const phases = new Phases();
  stopOnInterrupt(phases, "make lab-up");
  const tools = await phases.run("tools", () => ensureTools({ report: consoleProgress() }));
  const hostsStarted = await phases.run("bare hosts", startHosts);
  if (hostsStarted !== 0) return hostsStarted;
  const engine = await prepareLabStack({ lab: Lab.attach(labDirectory), tools, directory: labStackDirectory });
  await saveKubeconfig(engine);
  await recoverInterrupted(engine, kubeconfigFile);
  const eventLog = path.join(engine.directory, "events.jsonl");
  rmSync(eventLog, { force: true });
  const exitCode = await phases.run("pulumi up (stack lab, with the policy pack)", () =>
    engine.run(["up", "--yes", "--skip-preview", "--event-log", eventLog, ...policyArguments("lab")]),
  );
  await saveKubeconfig(engine);
  if (exitCode !== 0) {
    console.error(`\npulumi up did not finish (exit code ${exitCode}). make lab-up goes on from here.`);
    return exitCode;
  }
  await phases.run("a request", () => askFirstModel());
  await report(phases, readPolicyResult(eventLog));
  return 0;
});

/** The hosts stay up after this command, so they are started by one of their own. */
function startHosts(): Promise<number> {
  const command = ["--import=tsx", path.join("test", "hosts", "lab", "main.ts"), "up"];
  const child = spawn(process.execPath, command, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function saveKubeconfig(engine: Engine): Promise<void> {
  const contents = await kubeconfigInState(engine);
  if (contents !== undefined) writeKubeconfig(kubeconfigFile, contents);
}

async function askFirstModel(): Promise<void> {
  const { models } = await readStatus(kubeconfigFile);
  const url = models.find((model) => model.url !== undefined)?.url;
  if (url === undefined) throw new Error("No model has an address.");
  console.log(`curl ${url}/v1/chat/completions  answers:`);
  await answer(url, question, (text) => process.stdout.write(text));
}

async function report(phases: Phases, policy: PolicyResult): Promise<void> {
  const finishedAt = new Date().toISOString();
  const lastRun = { stack: "lab", command: "make lab-up", finishedAt, phases: phases.times, policy };
  console.log("\n" + renderStatus({ ...(await readStatus(kubeconfigFile)), lastRun }));
  const file = path.relative(process.cwd(), kubeconfigFile);
  console.log(
    `\nkubectl --kubeconfig ${file} …  looks closer;  npm run ask -- --stack lab qwen3-8b "…"  asks;  ` +
      "make lab-ssh HOST=h1  logs in;  make lab-down  removes it.",
  );
}
