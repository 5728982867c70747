import { addressPoolProblems, poolSize } from "../addressPool";
import { configuredNodeAddresses, configuredSubnet } from "../nodes";
import type { Path } from "../paths";
import type { Check, CheckContext, CheckProblem } from "./context";

const addressesPath: Path = ["loadBalancer", "addresses"];

/** Each LoadBalancer Service takes an address of its own. */
function enoughAddresses({ config, models, problem }: CheckContext): CheckProblem[] {
  const services = models.filter(({ service }) => service.type === "LoadBalancer").length;
  const size = poolSize(config.loadBalancer.addresses);
  if (BigInt(services) <= size) return [];
  const allowed = `an address for each of the ${services} models with service.type: LoadBalancer; there are ${size}`;
  const next = "add addresses, or set service.type: ClusterIP on some models";
  return [problem(addressesPath, allowed, next, [["models"]])];
}

/** The address pool is well-formed, lies in the nodes' subnet beside their addresses, and suffices. */
export const checkLoadBalancer: Check = (context) => {
  const { config, problem } = context;
  if (config.addons.metalLb !== "install") return [];
  const pool = addressPoolProblems({
    addresses: config.loadBalancer.addresses,
    subnet: configuredSubnet(config.cluster, config.loadBalancer),
    nodeAddresses: configuredNodeAddresses(config.cluster),
  });
  const basis: Path[] = [["cluster"], ["loadBalancer", "subnet"], ["addons"]];
  const problems = pool.map(({ entry, isPlacement, allowed, next }) => {
    const path = entry === undefined ? addressesPath : [...addressesPath, entry];
    return problem(path, allowed, next, isPlacement ? basis : []);
  });
  return problems.length > 0 ? problems : enoughAddresses(context);
};
