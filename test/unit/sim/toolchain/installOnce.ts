/** Installs the fixture's tool in a process of its own, for tests that interrupt it: `<directory> <site>`. */
import { withLock } from "../../../../sim/toolchain/lock";
import { installTools } from "../../../../sim/toolchain/tools";
import { Workbench, type Site } from "./fixture";

const [, , directory, url] = process.argv;
const bench = Object.assign(Object.create(Workbench.prototype) as Workbench, {
  directory,
  lines: [],
  cache: `${directory}/cache`,
  goModules: `${directory}/go`,
  standIns: `${directory}/plugins`,
  workspace: `${directory}/go.work`,
  site: { url } as Site,
});
const chain = bench.chain();
void withLock(`${bench.cache}/lock`, { report: chain.report, purpose: "installs tools" }, () =>
  installTools(chain, ["etcd"]),
);
