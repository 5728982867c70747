import { spawn, type ChildProcess } from "node:child_process";
import net, { type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const serverFile = path.join(__dirname, "../../../../sim/vllm/server.ts");

/** A stand-in that runs as a process of its own. */
export interface StandIn {
  readonly process: ChildProcess;
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly errors: string }>;
}

export function spawnStandIn(args: readonly string[], env: Record<string, string> = {}): StandIn {
  const child = spawn(process.execPath, ["--import", "tsx", serverFile, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<{ exitCode: number | null; errors: string }>((resolve) =>
    child.once("close", (exitCode) => resolve({ exitCode, errors })),
  );
  return { process: child, ended };
}

/** A stand-in that answers on `url`. */
export async function startStandIn(
  flags: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<StandIn & { readonly url: string; readonly port: number }> {
  const standIn = spawnStandIn(["serve", "org/model", "--host", "127.0.0.1", "--port", "0", ...flags], env);
  const port = await new Promise<number>((resolve, reject) => {
    let output = "";
    standIn.process.stderr?.on("data", (text: string) => {
      output += text;
      const found = /:(\d+) \(Press/.exec(output)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    void standIn.ended.then(({ errors }) => reject(new Error(errors)));
  });
  return { ...standIn, port, url: `http://127.0.0.1:${port}` };
}

/** Ends a stand-in, whatever it is doing. */
export async function stopStandIn(standIn: StandIn | undefined): Promise<void> {
  standIn?.process.kill("SIGKILL");
  await standIn?.ended;
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** The JSON of each server-sent event, without the final `[DONE]`, which has to be there. */
export async function events(response: Response): Promise<Record<string, unknown>[]> {
  const lines = (await response.text()).split("\n\n").filter((line) => line !== "");
  if (lines.pop() !== "data: [DONE]") throw new Error("the stream does not end with [DONE]");
  return lines.map((line) => JSON.parse(line.replace(/^data: /, "")) as Record<string, unknown>);
}

/** Resolves when the engine behind `url` works on `count` requests. */
export async function untilRunning(url: string, count: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    if (Number(/^vllm:num_requests_running\S* (\S+)$/m.exec(text)?.[1]) === count) return;
    await sleep(20);
  }
}
