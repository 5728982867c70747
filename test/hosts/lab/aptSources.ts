import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { readDirectory } from "../../../sim/toolchain/cache";

/** A Debian archive and the suites that are read from it. */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
}

/** The release that lab hosts run. */
export const suite = "bookworm";

/**
 * Where this machine's apt gets Debian 12 from. The variable `INFERENCE_STACK_LAB_MIRROR` names a Debian mirror for
 * machines whose own apt has none (another distribution).
 * @throws when neither names one
 */
export async function debianSources(env: NodeJS.ProcessEnv = process.env, etc = "/etc/apt"): Promise<AptSource[]> {
  const mirror = env["INFERENCE_STACK_LAB_MIRROR"];
  if (mirror !== undefined && mirror !== "") {
    return [{ uri: mirror, suites: [suite, `${suite}-updates`] }];
  }
  const parts = (await readDirectory(path.join(etc, "sources.list.d"))).map((name) => `sources.list.d/${name}`);
  const sources = ["sources.list", ...parts].flatMap((name) => readSources(etc, name));
  if (!sources.some(({ suites }) => suites.includes(suite))) {
    throw new Error(
      `The apt sources of this machine name no mirror of Debian ${suite}, which lab hosts are made of. ` +
        "Next: set INFERENCE_STACK_LAB_MIRROR to the address of a Debian mirror.",
    );
  }
  return sources;
}

/** The sources in the one-line form of sources.list(5). */
export function sourcesList(sources: readonly AptSource[]): string {
  return sources.flatMap(({ uri, suites }) => suites.map((name) => `deb ${uri} ${name} main\n`)).join("");
}

function readSources(etc: string, name: string): AptSource[] {
  if (name === "sources.list" && !readdirSync(etc).includes(name)) {
    return [];
  }
  const text = readFileSync(path.join(etc, name), "utf8");
  const all = name.endsWith(".sources") ? parseDeb822(text) : name.endsWith(".list") ? parseOneLine(text) : [];
  return all
    .map(({ uri, suites }) => ({
      uri: uri.replace(/\/$/, ""),
      suites: suites.filter((each) => each.startsWith(suite)),
    }))
    .filter(({ suites }) => suites.length > 0);
}

/** `deb [options] uri suite component…`, see sources.list(5). */
export function parseOneLine(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)(\s+.*)?$/.exec(line.trim());
    return match !== null && hasMain(match[3] ?? "") ? [{ uri: match[1]!, suites: [match[2]!] }] : [];
  });
}

/** Stanzas of `Types`, `URIs`, `Suites` and `Components`, see sources.list(5), "DEB822-STYLE FORMAT". */
export function parseDeb822(text: string): AptSource[] {
  const stanzas = text.replace(/^#.*\n?/gm, "").split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const field = (name: string): string => new RegExp(`^${name}:(.*(?:\n[ \t].*)*)`, "im").exec(stanza)?.[1] ?? "";
    const usable =
      /\bdeb\b(?!-)/.test(field("Types")) && hasMain(field("Components")) && !/^\s*no/.test(field("Enabled"));
    return usable ? words(field("URIs")).map((uri) => ({ uri, suites: words(field("Suites")) })) : [];
  });
}

const hasMain = (components: string): boolean => words(components).includes("main");
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");
