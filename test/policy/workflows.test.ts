import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse } from "yaml";
import { ensureActionlint, recordedProgress } from "../../sim/toolchain";

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Record<string, string>;
}

interface Job {
  readonly if?: string;
  readonly environment?: string;
  readonly permissions?: Record<string, string>;
  readonly env?: Record<string, string>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

const root = path.join(__dirname, "..", "..");
const directory = path.join(root, ".github", "workflows");
const files = readdirSync(directory).filter((file) => file.endsWith(".yaml"));
const textOf = (file: string): string => readFileSync(path.join(directory, file), "utf8");
const workflow = (file: string): Workflow => parse(textOf(file)) as Workflow;
const jobOf = (file: string): Job => {
  const [job] = Object.values(workflow(file).jobs);
  assert.ok(job);
  return job;
};

/** What a step's shell did, with every command that leaves the machine replaced by one that writes down its words. */
interface Outcome {
  readonly exitCode: number | null;
  readonly calls: string[];
  readonly output: string;
  readonly sandbox: string;
}

const recorder = `#!/usr/bin/env bash
printf '%s\\n' "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0")" in npx) echo 'a line of the preview'; echo '\`\`\`'; exit "\${NPX_EXIT:-0}";; gh) printf '%s' "\${GH_PRINTS:-}";; esac
`;

describe("GitHub workflows", () => {
  const sandboxes: string[] = [];
  after(() => sandboxes.forEach((sandbox) => rmSync(sandbox, { recursive: true })));

  /** Runs a step as GitHub does: bash -e on a script file, in a directory of its own. */
  function run(step: Step, env: Record<string, string> = {}, sandbox = newSandbox()): Outcome {
    const script = path.join(sandbox, "step.sh");
    writeFileSync(script, step.run ?? "");
    const calls = path.join(sandbox, "calls");
    const output = path.join(sandbox, "output");
    writeFileSync(output, "");
    const { status } = spawnSync("bash", ["-e", script], {
      cwd: sandbox,
      encoding: "utf8",
      env: {
        PATH: `${sandbox}:${process.env.PATH ?? ""}`,
        CALLS: calls,
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: path.join(sandbox, "summary"),
        GITHUB_REPOSITORY: "acme/stack",
        GITHUB_SHA: "0".repeat(40),
        GITHUB_REF: "refs/heads/main",
        STACK: "prod",
        ...env,
      },
    });
    return {
      exitCode: status,
      calls: existsSync(calls) ? readFileSync(calls, "utf8").trimEnd().split("\n") : [],
      output: readFileSync(output, "utf8"),
      sandbox,
    };
  }

  function newSandbox(): string {
    const sandbox = mkdtempSync(path.join(tmpdir(), "inference-stack-workflow-"));
    sandboxes.push(sandbox);
    for (const command of ["npx", "npm", "make", "gh"]) {
      writeFileSync(path.join(sandbox, command), recorder);
      chmodSync(path.join(sandbox, command), 0o755);
    }
    return sandbox;
  }

  const step = (file: string, name: string, job?: string): Step => {
    const steps = job === undefined ? jobOf(file).steps : (workflow(file).jobs[job]?.steps ?? []);
    const found = steps.find((one) => one.name === name);
    assert.ok(found, `${file} has a step ${name}`);
    return found;
  };

  for (const file of files) {
    it(`${file} pins every action by commit`, () => {
      for (const { steps } of Object.values(workflow(file).jobs)) {
        for (const { uses } of steps) if (uses !== undefined) assert.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      }
    });

    it(`${file} writes no expression into a shell script`, () => {
      for (const { steps } of Object.values(workflow(file).jobs)) {
        for (const one of steps) assert.doesNotMatch(one.run ?? "", /\$\{\{/, one.name);
      }
    });

    it(`${file} has scripts that run to their end where every command succeeds`, () => {
      for (const { steps } of Object.values(workflow(file).jobs)) {
        const sandbox = newSandbox();
        for (const one of steps.filter((candidate) => candidate.run !== undefined)) {
          writeFileSync(path.join(sandbox, "policy.sarif"), "{}");
          const { exitCode, calls } = run(one, { LAYERS: "types lint unit", STATUS: "0", NUMBER: "7" }, sandbox);
          assert.equal(exitCode, 0, `${one.name}: ${calls.join("\n")}`);
        }
      }
    });
  }

  it("pass actionlint", async function () {
    // Built once, and then taken from the cache.
    this.timeout("5m");
    const actionlint = await ensureActionlint({ report: recordedProgress() });
    // What shellcheck has to say depends on whether it is installed; the steps are run below.
    const { status, stdout, stderr } = spawnSync(actionlint, ["-no-color", "-shellcheck=", "-pyflakes="], {
      cwd: root,
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
    const broken = newSandbox();
    writeFileSync(path.join(broken, "broken.yaml"), textOf("deploy.yaml").replace("matrix.stack", "matrix.stcak"));
    const refused = spawnSync(actionlint, ["-no-color", path.join(broken, "broken.yaml")], { encoding: "utf8" });
    assert.equal(refused.status, 1, "it finds what is wrong");
    assert.match(refused.stdout, /stcak/);
  });

  it("name layers, targets and scripts that exist", () => {
    const makefile = readFileSync(path.join(root, "Makefile"), "utf8");
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { scripts: object };
    const commands = files.flatMap((file) =>
      Object.values(workflow(file).jobs).flatMap(({ steps }) =>
        steps.flatMap((one) => (one.run === undefined ? [] : run(one, { LAYERS: "unit", STATUS: "0" }).calls)),
      ),
    );
    for (const call of commands) {
      const target = /^make (\S+)/.exec(call)?.[1];
      if (target !== undefined) assert.match(makefile, new RegExp(`^${target.replace(".", "\\.")}:`, "m"));
      const script = /^npm run (?:--silent )?(\S+)/.exec(call)?.[1];
      if (script !== undefined) assert.ok(Object.hasOwn(scripts, script), script);
    }
    const layers = [...textOf("pull-request.yaml").matchAll(/layers: \[(.*)\]/g)].flatMap(([, list = ""]) =>
      list.split(/[\s,]+/),
    );
    const known = [...readFileSync(path.join(root, "test", "run.ts"), "utf8").matchAll(/name: "(\w+)"/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(
      layers.filter((layer) => !known.includes(layer)),
      [],
    );
  });

  it("give pull requests from forks neither secrets nor write access", () => {
    const text = textOf("pull-request.yaml");
    assert.doesNotMatch(text, /secrets\.|pull_request_target|: write/);
    assert.deepEqual(workflow("pull-request.yaml").permissions, { contents: "read" });
    assert.match(jobOf("preview.yaml").if ?? "", /head\.repo\.full_name == github\.repository/);
    for (const file of files) assert.ok(!("pull_request_target" in workflow(file).on), file);
  });

  it("test each layer by its name", () => {
    const { calls } = run(step("pull-request.yaml", "Test"), { LAYERS: "types lint unit" });
    assert.deepEqual(calls, ["npm test -- types lint unit"]);
  });

  it("comment on a preview that fails, and fail then", () => {
    const preview = run(step("preview.yaml", "Preview"), { NPX_EXIT: "255" });
    assert.equal(preview.exitCode, 0);
    assert.match(preview.output, /^status=255$/m);
    assert.match(
      preview.calls[0] ?? "",
      /preview --stack prod .*--policy-pack-config policy\/policy-config\.prod\.json$/,
    );
    const comment = run(step("preview.yaml", "Comment"), { STATUS: "255", NUMBER: "7" }, preview.sandbox);
    assert.match(
      comment.calls.at(-1) ?? "",
      /^gh api --silent repos\/acme\/stack\/issues\/7\/comments --field body=@comment\.md$/,
    );
    const text = readFileSync(path.join(preview.sandbox, "comment.md"), "utf8");
    assert.match(
      text,
      /^<!-- pulumi preview prod -->\n### pulumi preview of prod: exit code 255\n\n {4}a line of the preview\n {4}```\n$/,
    );
    assert.equal(run(step("preview.yaml", "Result"), { STATUS: "255" }).exitCode, 255);
  });

  it("replace the comment of an earlier preview", () => {
    const preview = run(step("preview.yaml", "Preview"));
    const { calls } = run(
      step("preview.yaml", "Comment"),
      { STATUS: "0", NUMBER: "7", GH_PRINTS: "42\n" },
      preview.sandbox,
    );
    assert.match(calls.at(-1) ?? "", /--method PATCH repos\/acme\/stack\/issues\/comments\/42 /);
  });

  it("update behind an environment, one at a time, with the pack", () => {
    assert.equal(jobOf("deploy.yaml").environment, "${{ matrix.stack }}");
    const { calls } = run(step("deploy.yaml", "Update"));
    assert.match(calls[0] ?? "", /up --yes --stack prod .*--policy-pack policy --policy-pack-config/);
    assert.equal(run(step("deploy.yaml", "Update"), { NPX_EXIT: "1" }).exitCode, 1);
  });

  it("look for drift without changing anything", () => {
    const { calls } = run(step("drift.yaml", "Compare with the cluster"));
    assert.match(calls[0] ?? "", /preview --refresh --expect-no-changes/);
    assert.doesNotMatch(textOf("drift.yaml"), /pulumi@\S+ (up|destroy|refresh)\b/);
  });

  it("run the engine that the project pins", () => {
    const { dependencies } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    for (const file of files) {
      for (const [, version] of textOf(file).matchAll(/pulumi@([\d.]+)/g)) {
        assert.equal(version, dependencies["@pulumi/pulumi"], file);
      }
    }
  });
});
