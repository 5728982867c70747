import { valueAt } from "./paths";

/**
 * Whether nodes have to mount images as volumes: some model's weights come from one.
 *
 * @param models the config's `models`, checked or as they stand in the file
 */
export function needsImageVolumes(models: unknown): boolean {
  return Array.isArray(models) && models.some((model) => valueAt(model, ["weights", "type"]) === "image");
}
