/** How the stand-in behaves where the real server depends on hardware and model. */
export interface Settings {
  /** Seconds until the port opens. Default 0. */
  readonly loadSeconds: number;
  /** Seconds from the start of a request to its first token. Default 0.05. */
  readonly firstTokenSeconds: number;
  /** Seconds from one token to the next. Default 0.02. */
  readonly tokenSeconds: number;
  /** Seconds that an idle keep-alive connection stays open. Default 5, as vLLM has it. */
  readonly keepAliveSeconds: number;
  /** Seconds from the death of the engine to the end of the server: vLLM looks every 5 s. */
  readonly watchdogSeconds: number;
  /** Whether the server outlives its engine. Default false. */
  readonly keepAliveOnEngineDeath: boolean;
  /** File that the preStop hook touches. Default /tmp/draining, as in a pod. */
  readonly drainMarker: string;
  /** Seconds from the hook's touch to SIGTERM. Default 0. */
  readonly drainPauseSeconds: number;
  /** By how much all of these, and `--shutdown-timeout`, run faster than written. Default 1. */
  readonly timeScale: number;
}

/**
 * Reads `STAND_IN_LOAD_SECONDS`, `STAND_IN_FIRST_TOKEN_SECONDS`, `STAND_IN_TOKEN_SECONDS`, `STAND_IN_TIME_SCALE`, two
 * variables of vLLM's own, and those of the middleware in a pod. Times come back unscaled.
 *
 * @throws when a value is not a number in range
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const number = (name: string, otherwise: number, positive = false): number => {
    const text = env[name];
    if (text === undefined || text === "") return otherwise;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0 || (positive && value === 0)) {
      throw new Error(`${name} is '${text}': allowed is a number ${positive ? "above" : "from"} 0`);
    }
    return value;
  };
  return {
    loadSeconds: number("STAND_IN_LOAD_SECONDS", 0),
    firstTokenSeconds: number("STAND_IN_FIRST_TOKEN_SECONDS", 0.05),
    tokenSeconds: number("STAND_IN_TOKEN_SECONDS", 0.02),
    keepAliveSeconds: number("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", 5),
    watchdogSeconds: 5,
    keepAliveOnEngineDeath: env["VLLM_KEEP_ALIVE_ON_ENGINE_DEATH"] === "1",
    drainMarker: env["DRAIN_MARKER"] ?? "/tmp/draining",
    drainPauseSeconds: number("DRAIN_PAUSE_SECONDS", 0),
    timeScale: number("STAND_IN_TIME_SCALE", 1, true),
  };
}
