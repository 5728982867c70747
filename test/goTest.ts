import { compilerFlags } from "../sim/toolchain/goBuild";

/**
 * The command that runs Go tests, in the directory of a module. They are compiled as the programs are, in this project's
 * workspace, so that the compiler finds the packages that they share in its cache.
 */
export const goTest = (...args: readonly string[]): [string, ...string[]] => [
  "env",
  "CGO_ENABLED=0",
  "GOWORK=",
  "go",
  "test",
  ...compilerFlags,
  ...args,
];
