import { addressMistakes } from "./addresses";
import type { BrokenConfig } from "./build";
import { hostMistakes } from "./hosts";
import { passThroughMistakes } from "./passThrough";
import { crossMistakes } from "./rules";
import { schemaMistakes } from "./schema";
import { servingMistakes } from "./serving";
import { weightMistakes } from "./weights";

/** Configs with one mistake each. */
export const brokenConfigs: readonly BrokenConfig[] = [
  ...schemaMistakes,
  ...crossMistakes,
  ...addressMistakes,
  ...hostMistakes,
  ...passThroughMistakes,
  ...servingMistakes,
  ...weightMistakes,
];
