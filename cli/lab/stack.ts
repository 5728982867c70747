import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Tools } from "../../sim/toolchain";
import { Engine } from "../engine";
import { stackFile } from "../paths";
import { startBackend } from "../stack";
import { labStackFile, type LabPlace } from "./config";

/** A running lab: where it is, and the key that its hosts accept. */
export interface RunningLab extends LabPlace {
  readonly privateKey: string;
}

export interface LabStackOptions {
  readonly lab: RunningLab;
  readonly tools: Tools;
  /** Where state, passphrase, config copy and kubeconfig lie. */
  readonly directory: string;
  /** Contents of the stack file. Defaults to those of Pulumi.lab.yaml. */
  readonly text?: string;
}

/** The stack `lab` on the hosts of a running lab, ready for the engine. */
export async function prepareLabStack({ lab, tools, directory, text }: LabStackOptions): Promise<Engine> {
  mkdirSync(directory, { recursive: true });
  const configFile = path.join(directory, "stack-config.yaml");
  writeFileSync(configFile, labStackFile(text ?? readFileSync(stackFile("lab"), "utf8"), lab));
  const backend = await startBackend(tools, directory);
  const engine = new Engine({ tools, stack: "lab", backend, directory, configFile });
  await engine.prepare();
  await engine.setSecret("secrets.sshPrivateKey", lab.privateKey);
  return engine;
}
