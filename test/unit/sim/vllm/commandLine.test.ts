import assert from "node:assert/strict";
import { engineArguments } from "../../../../components/serving/engineArguments";
import { parseCommandLine, UsageError } from "../../../../sim/vllm/commandLine";
import flags from "../../../../components/config/vllmFlags/0.33.json";

const refused = (args: string[], message: RegExp) =>
  assert.throws(
    () => parseCommandLine(args),
    (error: unknown) => error instanceof UsageError && message.test(error.message),
  );

describe("the stand-in's command line", () => {
  it("takes the arguments that pods get", () => {
    const model = {
      model: "Qwen/Qwen3-8B",
      revision: "v1",
      gpusPerReplica: 4,
      tensorParallelSize: 2,
      pipelineParallelSize: 2,
      maxModelLen: 32_768,
      extraArgs: ["--enable-prefix-caching", "--stream-interval", "4"],
    };
    const args = parseCommandLine(["serve", ...engineArguments(model, 120)]);
    assert.equal(args.model, "Qwen/Qwen3-8B");
    assert.deepEqual(args.servedModelNames, ["Qwen/Qwen3-8B"]);
    assert.equal(args.maxModelLen, 32_768);
    assert.equal(args.shutdownTimeoutSeconds, 120);
    assert.equal(args.port, 8000);
  });

  it("drains for 0 seconds unless told otherwise, as vLLM does", () => {
    assert.equal(parseCommandLine(["serve", "org/model"]).shutdownTimeoutSeconds, 0);
  });

  const spellings: [string, string[]][] = [
    ["two words", ["--shutdown-timeout", "7"]],
    ["an equals sign", ["--shutdown-timeout=7"]],
    ["underscores", ["--shutdown_timeout", "7"]],
    ["the last of two", ["--shutdown-timeout", "5", "--shutdown-timeout", "7"]],
    ["after a switch", ["--enforce-eager", "--shutdown-timeout", "7"]],
    ["after a negated switch", ["--no-enable-prefix-caching", "--shutdown-timeout", "7"]],
    ["after a short flag", ["-tp", "2", "--shutdown-timeout", "7"]],
    ["after a key of a structured flag", ["--compilation-config.level", "3", "--shutdown-timeout", "7"]],
    ["after a front-end flag", ["--tool-call-parser", "hermes", "--shutdown-timeout", "7"]],
  ];
  for (const [name, args] of spellings) {
    it(`reads a flag: ${name}`, () => {
      assert.equal(parseCommandLine(["serve", "org/model", ...args]).shutdownTimeoutSeconds, 7);
    });
  }

  it("reads numbers, names, keys and adapters", () => {
    const args = parseCommandLine([
      "serve",
      "org/model",
      ...["--max-num-seqs", "64"],
      ...["--served-model-name", "a", "b", "--api-key", "k1", "--api-key", "k2"],
      ...["--lora-modules", "sql=/adapters/sql", '{"name": "chat", "path": "/adapters/chat"}'],
    ]);
    assert.deepEqual(args.servedModelNames, ["a", "b"]);
    assert.equal(args.maxNumSeqs, 64);
    assert.deepEqual(args.apiKeys, ["k1", "k2"]);
    assert.deepEqual(args.loraNames, ["sql", "chat"]);
  });

  it("refuses what vLLM refuses", () => {
    refused(["serve", "m", "--frobnicate", "--x=1"], /^unrecognized arguments: --frobnicate --x=1$/);
    refused(["serve", "m", "--shutdown-mode", "drain"], /^unrecognized arguments: --shutdown-mode/);
    refused(["serve", "m", "--no-max-model-len"], /^unrecognized arguments: --no-max-model-len$/);
    refused(["serve", "m", "--enforce-eager", "true"], /^unrecognized arguments: true$/);
    refused(["serve", "m", "--max-model-len"], /^argument --max-model-len: expected one argument$/);
    refused(["serve", "m", "--max-model-len", "many"], /^argument --max-model-len: invalid int value: 'many'$/);
    refused(["serve", "m", "--shutdown-timeout", "-1"], /^argument --shutdown-timeout: -1 is below 0$/);
    refused(["serve"], /required: model_tag/);
    refused(["launch"], /invalid choice: 'launch'/);
  });

  it("has a list of flags without gaps or repetition", () => {
    const all = [...flags.engine, ...flags.frontEnd];
    assert.equal(new Set(all).size, all.length);
    for (const flag of ["--port", "--host", "--api-key", "--shutdown-timeout", "--kv-transfer-config"]) {
      assert.ok(all.includes(flag), flag);
    }
    for (const flag of [...flags.switches, ...flags.several, ...Object.values(flags.short)]) {
      assert.ok(all.includes(flag), `${flag} is in neither list`);
    }
  });
});
