import flags from "../../components/config/vllmFlags/0.33.json";

/** The release that the stand-in behaves like. */
export const vllmVersion = "0.33.0";

/** What the stand-in takes from the arguments of `vllm serve`; all other known flags are accepted and ignored. */
export interface ServeArguments {
  readonly model: string;
  readonly servedModelNames: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly apiKeys: readonly string[];
  /** Tokens of prompt and answer together. */
  readonly maxModelLen: number;
  /** Requests that run at once; more wait. */
  readonly maxNumSeqs: number;
  /** Seconds that in-flight requests may take after SIGTERM; 0 aborts them. */
  readonly shutdownTimeoutSeconds: number;
  /** Classes that wrap the HTTP server. */
  readonly middleware: readonly string[];
  /** Adapters that are served as models. */
  readonly loraNames: readonly string[];
}

/** Arguments that the server refuses, worded as argparse does. */
export class UsageError extends Error {}

const known: ReadonlySet<string> = new Set([...flags.engine, ...flags.frontEnd]);
const switches: ReadonlySet<string> = new Set(flags.switches);
const several: ReadonlySet<string> = new Set(flags.several);
/** Flags that may stand several times, with a value each; of all others the last one counts. */
const repeated: ReadonlySet<string> = new Set([...flags.several, "--middleware"]);
const short: ReadonlyMap<string, string> = new Map(Object.entries(flags.short));

/**
 * Reads `serve [model] --flag value …` in the spellings that vLLM takes: `_` for `-`, `--flag=value`, `--flag.key` for
 * one key of a structured flag, `--no-flag` for a switch, and short forms.
 *
 * @throws UsageError for what the released server does not know, too. Abbreviated flags count as unknown here.
 */
export function parseCommandLine(argv: readonly string[]): ServeArguments {
  const [command, ...rest] = argv;
  if (command !== "serve") {
    throw new UsageError(`argument subparser: invalid choice: '${command ?? ""}' (choose from serve)`);
  }
  const { positionals, values, unrecognized } = split(rest);
  const [model = values.get("--model")?.at(-1), ...extra] = positionals;
  unrecognized.push(...extra);
  if (unrecognized.length > 0) throw new UsageError(`unrecognized arguments: ${unrecognized.join(" ")}`);
  if (model === undefined) throw new UsageError("the following arguments are required: model_tag");
  return serveArguments(model, values);
}

function serveArguments(model: string, values: ReadonlyMap<string, readonly string[]>): ServeArguments {
  const count = (flag: string, least: number, otherwise: number) => wholeNumber(flag, values, least, otherwise);
  return {
    model,
    servedModelNames: values.get("--served-model-name") ?? [model],
    host: values.get("--host")?.at(-1) ?? "0.0.0.0",
    port: count("--port", 0, 8000),
    apiKeys: values.get("--api-key") ?? [],
    maxModelLen: count("--max-model-len", 1, 131_072),
    maxNumSeqs: count("--max-num-seqs", 1, 1024),
    shutdownTimeoutSeconds: count("--shutdown-timeout", 0, 0),
    middleware: values.get("--middleware") ?? [],
    loraNames: (values.get("--lora-modules") ?? []).map(loraName),
  };
}

interface SplitArguments {
  readonly positionals: string[];
  readonly values: Map<string, string[]>;
  readonly unrecognized: string[];
}

function split(argv: readonly string[]): SplitArguments {
  const result: SplitArguments = { positionals: [], values: new Map(), unrecognized: [] };
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (!/^-{1,2}[A-Za-z]/.test(word)) {
      result.positionals.push(word);
      continue;
    }
    const [name = "", ...inline] = word.split("=");
    const flag = canonical(name);
    if (flag === undefined) {
      result.unrecognized.push(word);
      continue;
    }
    if (switches.has(flag)) continue;
    const found = inline.length > 0 ? [inline.join("=")] : following(argv, index + 1, several.has(flag));
    if (found.length === 0) throw new UsageError(`argument ${flag}: expected one argument`);
    if (inline.length === 0) index += found.length;
    result.values.set(flag, repeated.has(flag) ? [...(result.values.get(flag) ?? []), ...found] : found);
  }
  return result;
}

/** The known flag that a word spells; undefined when vLLM has none of that name. */
function canonical(word: string): string | undefined {
  const [base = ""] = word.split(".");
  const flag = short.get(base) ?? (base.startsWith("--") ? base.replaceAll("_", "-") : base);
  if (known.has(flag)) return flag;
  const positive = flag.replace(/^--no-/, "--");
  return positive !== flag && switches.has(positive) ? positive : undefined;
}

function following(argv: readonly string[], start: number, many: boolean): string[] {
  const found: string[] = [];
  for (const word of argv.slice(start)) {
    if (/^-{1,2}[A-Za-z]/.test(word) || (found.length === 1 && !many)) break;
    found.push(word);
  }
  return found;
}

function wholeNumber(
  flag: string,
  values: ReadonlyMap<string, readonly string[]>,
  least: number,
  otherwise: number,
): number {
  const text = values.get(flag)?.at(-1);
  if (text === undefined) return otherwise;
  if (!/^-?\d+$/.test(text)) throw new UsageError(`argument ${flag}: invalid int value: '${text}'`);
  const value = Number(text);
  if (value < least) throw new UsageError(`argument ${flag}: ${value} is below ${least}`);
  return value;
}

function loraName(module: string): string {
  if (!module.startsWith("{")) return module.split("=", 1)[0] ?? module;
  const { name } = JSON.parse(module) as { name?: unknown };
  if (typeof name !== "string") throw new UsageError(`Invalid fields for --lora-modules: ${module}`);
  return name;
}
