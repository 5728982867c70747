/**
 * Whether the engine only previews. The nodejs language host tells it through the environment; without a word the
 * pack takes the operation for an update, which checks the same things once more.
 */
export function isPreview(): boolean {
  return process.env.PULUMI_NODEJS_DRY_RUN === "true";
}
