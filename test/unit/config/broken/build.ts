import type { Path } from "../../../../components/config/paths";
import { goodConfig, hostsConfig, withValue, type Values } from "../support";

/** One mistake, and what the user must be told about it. */
export interface BrokenConfig {
  readonly mistake: string;
  readonly config: unknown;
  /** Key path as the user writes it. */
  readonly key: string;
  /** How the value is shown. */
  readonly value: string;
  /** Part of what is allowed. */
  readonly allowed: RegExp;
  /** Part of what to do next. */
  readonly next: RegExp;
}

type Expectation = readonly [key: string, value: string, allowed: RegExp, next: RegExp];

/** A table row; the key is written without its namespace. */
export function broken(mistake: string, config: Values, [key, value, allowed, next]: Expectation): BrokenConfig {
  return { mistake, config, key: `inference-stack:${key}`, value, allowed, next };
}

/** A good config with some values replaced. */
export function simulated(...changes: readonly (readonly [Path, unknown])[]): Values {
  return changes.reduce<Values>((config, [path, value]) => withValue(config, path, value), goodConfig());
}

/** The same for bare hosts. */
export function hosts(...changes: readonly (readonly [Path, unknown])[]): Values {
  return changes.reduce<Values>((config, [path, value]) => withValue(config, path, value), hostsConfig());
}

/** A good config whose model has another value. */
export function model(key: string, value: unknown): Values {
  return simulated([["models", 0, key], value]);
}

/** A good config with these load-balancer addresses. */
export function pool(...addresses: unknown[]): Values {
  return simulated([["loadBalancer", "addresses"], addresses]);
}
