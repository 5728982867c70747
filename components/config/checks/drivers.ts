import type { Path } from "../paths";
import type { Check } from "./context";

/** The AMD operator builds drivers itself: it must know which one and where to keep the images. */
export const checkDrivers: Check = ({ config, problem }) => {
  const { vendor, amd } = config.gpu;
  if (config.addons.gpuOperator !== "install" || (vendor !== "amd" && vendor !== "both")) return [];
  if (amd.driver !== "operator") return [];
  const basis: Path[] = [["gpu", "vendor"], ["gpu", "amd", "driver"], ["addons"]];
  const next = "add it, or set gpu.amd.driver: preinstalled";
  const missing = [];
  if (amd.driverVersion === undefined) {
    const allowed = "an amdgpu version as its repository spells it, such as '31.40', with driver: operator";
    missing.push(problem(["gpu", "amd", "driverVersion"], allowed, next, basis));
  }
  if (amd.driverImage === undefined) {
    const allowed = "a registry path that the operator may push driver images to, with driver: operator";
    missing.push(problem(["gpu", "amd", "driverImage"], allowed, next, basis));
  }
  return missing;
};
