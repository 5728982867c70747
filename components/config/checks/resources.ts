import { parseQuantity } from "../../capacity/quantity";
import type { Path } from "../paths";
import type { Check } from "./context";

/** /dev/shm is memory of the pod: when it fills up, what is over the limit is killed. */
export const checkResources: Check = ({ config, problem }) =>
  config.models.flatMap(({ resources }, index) => {
    const at = (key: string): Path => ["models", index, "resources", key];
    if (parseQuantity(resources.sharedMemory) <= parseQuantity(resources.memory)) return [];
    const allowed = `at most resources.memory ${resources.memory}, which /dev/shm is counted in`;
    return [problem(at("sharedMemory"), allowed, "lower it, or raise resources.memory", [at("memory")])];
  });
