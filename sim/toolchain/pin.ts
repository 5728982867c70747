/**
 * Fills the sha256 entries of versions.json from the publishers' checksum files: `tsx sim/toolchain/pin.ts`.
 * To be run by a maintainer with internet access after a version was changed; review the difference, then commit it.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Downloader } from "./download";
import { resolveDownloads, type Plugin, type Versions } from "./versions";

/** Asks the publishers for the sums of every download on every platform. */
export async function pinChecksums(pins: Versions, downloader: Downloader): Promise<Versions> {
  const all = async <Name extends string, T extends Plugin>(
    tools: Readonly<Record<Name, T>>,
  ): Promise<Record<Name, T>> => {
    const pinned: [string, T][] = [];
    for (const [name, tool] of Object.entries<T>(tools)) {
      pinned.push([name, await pinTool(tool, downloader)]);
    }
    return Object.fromEntries(pinned) as Record<Name, T>;
  };
  return { ...pins, tools: await all(pins.tools), plugins: await all(pins.plugins) };
}

async function pinTool<T extends Plugin>(tool: T, downloader: Downloader): Promise<T> {
  const downloads = [];
  for (const download of tool.downloads) {
    const sha256: Record<string, string> = {};
    for (const platform of download.platforms) {
      const [os = "", arch = ""] = platform.split("-");
      const [resolved] = resolveDownloads({ version: tool.version, downloads: [download] }, { os, arch }) ?? [];
      if (resolved !== undefined) {
        sha256[platform] = await downloader.publishedSum(resolved);
      }
    }
    downloads.push({ ...download, sha256 });
  }
  return { ...tool, downloads };
}

async function main(): Promise<void> {
  const file = path.join(__dirname, "versions.json");
  const pins = JSON.parse(await fs.readFile(file, "utf8")) as Versions;
  await fs.writeFile(file, `${JSON.stringify(await pinChecksums(pins, new Downloader()), null, 2)}\n`);
  console.log("Pinned. Format versions.json with prettier, review the difference, then commit it.");
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
