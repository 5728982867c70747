import flags033 from "./vllmFlags/0.33.json";
import { nearest } from "./nearest";

/** The vLLM release that the default images hold and that the engine arguments are written for. */
export const vllmVersion = "0.33.0";

/** A release as `[major, minor]`: patch releases change no flags. */
export type Release = readonly [major: number, minor: number];

/** Flags of a release; the files in `vllmFlags/` say where each list comes from. */
interface FlagList {
  readonly known: ReadonlySet<string>;
  readonly switches: ReadonlySet<string>;
  readonly short: ReadonlyMap<string, string>;
}

const flagLists: ReadonlyMap<string, FlagList> = new Map(
  [flags033].map(({ version, engine, frontEnd, switches, short }) => [
    version,
    { known: new Set([...engine, ...frontEnd]), switches: new Set(switches), short: new Map(Object.entries(short)) },
  ]),
);

/** Flags that the stack writes and older releases lack, with the first release that has them. */
const firstRelease = { "--shutdown-timeout": [0, 18] } as const satisfies Record<string, Release>;

/**
 * The vLLM release that an image holds, as its name and tag tell: `vllm/vllm-openai:v0.33.0`, with or without a digest,
 * or `rocm/vllm:rocm7.0_vllm_0.11.0`. The stack's own release without an image. Undefined where they do not tell: a
 * digest alone, a nightly, a name without `vllm`.
 */
export function releaseOf(image: string | undefined): Release | undefined {
  if (image === undefined) return parseRelease(vllmVersion);
  const [reference = ""] = image.split("@", 1);
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  const separator = name.indexOf(":");
  if (separator < 0 || !name.slice(0, separator).includes("vllm")) return undefined;
  const tag = name.slice(separator + 1);
  return parseRelease(/vllm[-_]v?(\d+\.\d+)/.exec(tag)?.[1] ?? tag);
}

function parseRelease(text: string): Release | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?![\d])/.exec(text) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}

/** Whether the image's release has a flag that the stack writes; an image that does not tell counts as current. */
export function hasFlag(image: string | undefined, flag: keyof typeof firstRelease): boolean {
  const release = releaseOf(image);
  const [major, minor] = firstRelease[flag];
  return release === undefined || release[0] > major || (release[0] === major && release[1] >= minor);
}

/** A flag that the released server would refuse, with the closest one that it knows, if any is close. */
export interface UnknownFlag {
  readonly release: string;
  readonly suggestion: string | undefined;
}

/**
 * Whether `vllm serve` of the image's release would refuse a flag, in the spelling of `flagName`. Undefined when it
 * knows the flag, and for releases whose flags are not listed in `vllmFlags/`.
 */
export function unknownFlag(flag: string, image: string | undefined): UnknownFlag | undefined {
  const release = releaseOf(image)?.join(".");
  const list = release === undefined ? undefined : flagLists.get(release);
  if (release === undefined || list === undefined) return undefined;
  const positive = flag.replace(/^--no-/, "--");
  const isKnown =
    list.known.has(flag) ||
    list.short.has(flag) ||
    (positive !== flag && list.switches.has(positive)) ||
    // The optimization level is written into the flag: -O3.
    /^-O\d?$/.test(flag);
  if (isKnown) return undefined;
  const negated = positive === flag ? [] : [...list.switches].map((name) => name.replace(/^--/, "--no-"));
  return { release, suggestion: nearest(flag, [...list.known, ...negated]) };
}
