import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import type { Workshop } from "./binaries";
import { ensureLayer, type Layer } from "./layers";
import { accounts, closure } from "./userland";

const checkout = path.join(__dirname, "..", "..", "..", "..");
const entry = path.join("sim", "vllm", "server.ts");

/**
 * The layer of an image that runs the vLLM stand-in of sim/vllm as `vllm serve`: the program compiled to JavaScript,
 * this machine's Node.js with its libraries, and a shell. Needs the workshop's lock.
 */
export function ensureStandIn(workshop: Workshop): Promise<Layer> {
  const node = realpathSync(process.execPath);
  const program = Object.fromEntries(
    programFiles(entry).map((file) => [
      `/opt/${file.replace(/\.ts$/, ".js")}`,
      readFileSync(path.join(checkout, file), "utf8"),
    ]),
  );
  const key = [node, process.version, statSync(node).size, program, accounts];
  return ensureLayer(workshop, "vLLM stand-in", key, async () => {
    const tools = ["sh", "cat", "ls", "sleep"].map((name) => [`/bin/${name}`, realpathSync(`/bin/${name}`)] as const);
    const start = `#!/bin/sh\nexec ${node} /opt/${entry.replace(/\.ts$/, ".js")} "$@"\n`;
    return {
      ...accounts,
      ...(await closure("/", [node, ...tools.map(([, file]) => file)])),
      ...Object.fromEntries(tools.map(([target, file]) => [target, { file }])),
      ...Object.fromEntries(
        Object.entries(program).map(([target, source]) => [target, { contents: compile(target, source) }]),
      ),
      "/usr/local/bin/vllm": { contents: start, executable: true },
    };
  });
}

/** A source file and all that it imports by a relative path. */
function programFiles(file: string, seen = new Set<string>()): string[] {
  if (!seen.has(file)) {
    seen.add(file);
    const { importedFiles } = ts.preProcessFile(readFileSync(path.join(checkout, file), "utf8"));
    for (const { fileName } of importedFiles.filter((imported) => imported.fileName.startsWith("."))) {
      const target = path.join(path.dirname(file), fileName);
      const candidates = [target, `${target}.ts`, path.join(target, "index.ts")];
      const source = candidates.find(
        (candidate) => /\.\w+$/.test(candidate) && existsSync(path.join(checkout, candidate)),
      );
      programFiles(source ?? `${target}.ts`, seen);
    }
  }
  return [...seen];
}

function compile(target: string, source: string): string {
  if (!target.endsWith(".js")) {
    return source;
  }
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
