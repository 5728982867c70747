import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { installAtomically, installedSource } from "../../../../sim/toolchain/cache";
import { linkOrCopy } from "../../../../sim/toolchain/tools";
import { execute } from "../execute";
import type { Workshop } from "./binaries";

/** What one path of a layer holds. */
export type LayerEntry =
  /** A copy of a file, with its mode. */
  | { readonly file: string }
  /** A file of ours, readable by all. */
  | { readonly contents: string; readonly executable?: boolean }
  /** A symbolic link. */
  | { readonly link: string }
  | { readonly directory: true; readonly mode?: number };

/** Entries by absolute path in the image. */
export type LayerContents = Readonly<Record<string, LayerEntry>>;

/** A layer as an image's manifest names it: an uncompressed tar, so its digest is its diff id, too. */
export interface Layer {
  readonly file: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * The layer that holds some files, made when the cache does not have it. Needs the workshop's lock.
 * @param name for messages
 * @param key what decides the contents: everything about them that may change
 * @param contents asked only when the layer has to be made
 */
export async function ensureLayer(
  workshop: Workshop,
  name: string,
  key: unknown,
  contents: () => LayerContents | Promise<LayerContents>,
): Promise<Layer> {
  const hash = createHash("sha256").update(JSON.stringify(key));
  const directory = path.join(workshop.directory, "layers", hash.digest("hex").slice(0, 12));
  if ((await installedSource(directory)) === undefined) {
    const task = workshop.report.task(`image layer: ${name}`);
    try {
      await installAtomically(workshop.directory, directory, async (temporary) => {
        await writeLayer(await contents(), temporary);
        return { source: "build", from: "test/hosts/lab/world" };
      });
    } catch (error) {
      task.failed("not made");
      throw error;
    }
    task.done("made");
  }
  const { digest, size } = JSON.parse(await fs.readFile(path.join(directory, "layer.json"), "utf8")) as Layer;
  return { file: path.join(directory, "layer.tar"), digest, size };
}

async function writeLayer(contents: LayerContents, directory: string): Promise<void> {
  const tree = path.join(directory, "tree");
  await fs.mkdir(tree);
  for (const [target, entry] of Object.entries(contents)) {
    await writeEntry(path.join(tree, target), entry);
  }
  const file = path.join(directory, "layer.tar");
  // Nothing of the machine or the moment gets in, not even the umask: the same files make the same digest.
  const reproducible = [
    "--mode=u+rwX,go+rX",
    "--sort=name",
    "--mtime=@0",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--hard-dereference",
  ];
  await execute("tar", ["--create", "--file", file, ...reproducible, "--directory", tree, "."]);
  await fs.rm(tree, { recursive: true });
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const layer = { digest: `sha256:${hash.digest("hex")}`, size: (await fs.stat(file)).size };
  await fs.writeFile(path.join(directory, "layer.json"), JSON.stringify(layer));
}

async function writeEntry(target: string, entry: LayerEntry): Promise<void> {
  await fs.mkdir(path.dirname(target), { recursive: true });
  if ("file" in entry) {
    await linkOrCopy(await fs.realpath(entry.file), target);
  } else if ("link" in entry) {
    await fs.symlink(entry.link, target);
  } else if ("contents" in entry) {
    await fs.writeFile(target, entry.contents);
    await fs.chmod(target, entry.executable === true ? 0o755 : 0o644);
  } else {
    await fs.mkdir(target, { recursive: true });
    await fs.chmod(target, entry.mode ?? 0o755);
  }
}
