import { parseArgs } from "node:util";
import { KubeConfig } from "@kubernetes/client-node";
import { answer } from "./ask/chat";
import { findModel, isReachable, openTunnel, readyPod } from "./ask/cluster";
import { kubeconfigOf } from "./ask/kubeconfig";
import { main } from "./main";

const usage = 'npm run ask -- [--stack <stack>] <model> "<question>"';

/**
 * `npm run ask`: asks a model of any stack one question and prints the answer as it comes. By the address of its
 * Service where this machine reaches that, else through the API server. The stack is `lab` by default.
 */
main(async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { stack: { type: "string", default: "lab" } },
  });
  const [name, question, ...more] = positionals;
  if (name === undefined || question === undefined || more.length > 0) throw new Error(`Usage: ${usage}`);
  const config = new KubeConfig();
  config.loadFromString(kubeconfigOf(values.stack));
  const model = await findModel(config, name).catch((error: unknown) => {
    throw unreachable(config, error);
  });
  const pod = readyPod(model);
  const write = (text: string): void => void process.stdout.write(text);
  if (model.url !== undefined && (await isReachable(model.url))) return answer(model.url, question, write);
  const tunnel = await openTunnel(config, pod);
  try {
    await answer(tunnel.url, question, write);
  } finally {
    await tunnel.close();
  }
});

/** A cluster that does not answer is told by its address; what it says itself stays as it is. */
function unreachable(config: KubeConfig, error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return error;
  return new Error(`The API server ${config.getCurrentCluster()?.server} does not answer: ${cause.message}.`);
}
