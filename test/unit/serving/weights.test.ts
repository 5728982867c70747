import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { downloadCommand, repositories } from "../../../components/serving/weights";

describe("repositories", () => {
  const model = { model: "Qwen/Qwen3-8B", revision: "v1" };

  it("are the model's alone where nothing else is loaded from Hugging Face", () => {
    const loras = [{ name: "local", path: "/models/adapters/local" }];
    const speculative = { method: "ngram", numSpeculativeTokens: 4 } as const;
    assert.deepEqual(repositories({ ...model, loras, speculative }), ["Qwen/Qwen3-8B@v1"]);
  });

  it("include adapters and the draft model", () => {
    const loras = [{ name: "sql", id: "org/sql" }];
    const speculative = { method: "eagle3", model: "org/draft", numSpeculativeTokens: 4 } as const;
    assert.deepEqual(repositories({ ...model, loras, speculative }), [
      "Qwen/Qwen3-8B@v1",
      "org/draft@main",
      "org/sql@main",
    ]);
    const pinned = { ...speculative, revision: "0123" };
    assert.deepEqual(repositories({ ...model, speculative: pinned }), ["Qwen/Qwen3-8B@v1", "org/draft@0123"]);
  });
});

/** What stands in for the library of that name: one file of 3 KiB, of which a snapshot is a copy. */
const library = `
import json, os, pathlib, types
size = int(os.environ.get("FAKE_SIZE", "3072"))
home = pathlib.Path(os.environ["HF_HOME"])
def called(name, **how):
    with open(os.environ["FAKE_CALLS"], "a") as calls:
        calls.write(json.dumps([name, how]) + "\\n")
class HfApi:
    def model_info(self, repository, revision, files_metadata):
        called("info", repository=repository, revision=revision)
        if repository == "org/gated":
            from huggingface_hub.errors import GatedRepoError
            raise GatedRepoError(repository)
        file = types.SimpleNamespace(rfilename="model.safetensors", size=size, blob_id="b", lfs=types.SimpleNamespace(sha256="abc"))
        extra = types.SimpleNamespace(rfilename="original/model.pth", size=2**60, blob_id="c", lfs=None)
        return types.SimpleNamespace(siblings=[file, extra])
def snapshot_download(repository, revision, ignore_patterns):
    called("download", repository=repository, revision=revision, ignored=ignore_patterns)
    snapshot = home / "snapshot" / repository
    snapshot.mkdir(parents=True, exist_ok=True)
    return str(snapshot)
`;
const errors = "class GatedRepoError(Exception): pass\nclass RepositoryNotFoundError(Exception): pass\n";

describe("the download before a server", function () {
  const hasPython = spawnSync("python3", ["--version"]).status === 0;
  let directory: string;

  before(function () {
    if (!hasPython) this.skip();
  });
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-weights-"));
    const fake = path.join(directory, "python", "huggingface_hub");
    mkdirSync(fake, { recursive: true });
    writeFileSync(path.join(fake, "__init__.py"), library);
    writeFileSync(path.join(fake, "errors.py"), errors);
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const home = () => path.join(directory, "home");
  const download = (model: string, env: Record<string, string> = {}) => {
    const [command = "", ...args] = downloadCommand({ model, revision: "v1" });
    const calls = path.join(directory, "calls");
    rmSync(calls, { force: true });
    const { status, stderr } = spawnSync(command, args, {
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: path.join(directory, "python"), HF_HOME: home(), FAKE_CALLS: calls, ...env },
    });
    const made = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
    return { status, stderr, calls: made.map((line) => JSON.parse(line) as [string, Record<string, unknown>]) };
  };

  it("takes one revision, without copies in other formats, and asks no more once it is complete", () => {
    const first = download("org/model");
    assert.equal(first.status, 0, first.stderr);
    assert.deepEqual(
      first.calls.map(([name, { repository, revision }]) => [name, repository, revision]),
      [
        ["info", "org/model", "v1"],
        ["download", "org/model", "v1"],
      ],
    );
    assert.deepEqual(first.calls[1]?.[1].ignored, ["original/*", "metal/*"]);
    assert.deepEqual(readdirSync(path.join(home(), "complete")), ["org--model@v1"]);
    assert.deepEqual(download("org/model").calls, []);
  });

  it("downloads again what was deleted from the volume", () => {
    download("org/model");
    rmSync(path.join(home(), "snapshot"), { recursive: true });
    assert.equal(download("org/model").calls.length, 2);
  });

  it("refuses to fill up the volume, and says what to do", () => {
    const { status, stderr, calls } = download("org/model", { FAKE_SIZE: String(2 ** 60) });
    assert.equal(status, 1);
    assert.match(stderr, /org\/model@v1 needs \d+\.\d GiB more.*GiB free: raise storage\.size/);
    assert.deepEqual(
      calls.map(([name]) => name),
      ["info"],
    );
  });

  it("counts what an interrupted download left behind", () => {
    const blobs = path.join(home(), "hub", "models--org--model", "blobs");
    mkdirSync(blobs, { recursive: true });
    // A file with a hole: as large as no disk is, and empty.
    const part = openSync(path.join(blobs, "abc.incomplete"), "w");
    ftruncateSync(part, 2 ** 42);
    closeSync(part);
    const { status, stderr } = download("org/model", { FAKE_SIZE: String(2 ** 42 + 1) });
    assert.equal(status, 0, stderr);
  });

  it("says of a gated model what is missing", () => {
    const { status, stderr } = download("org/gated");
    assert.equal(status, 1);
    assert.match(stderr, /org\/gated is gated: accept its licence .* set hfToken/);
    assert.doesNotMatch(stderr, /Traceback/);
  });
});
