import { createHash } from "node:crypto";
import * as path from "node:path";
import { installedSource } from "./cache";
import { checkGo, fetchModules, type GoTarget } from "./goBuild";
import { moduleDigest } from "./plugins";
import { buildWithProgress, type Toolchain } from "./tools";
import { platformId } from "./versions";

const binary = "inference-stack-backend";

/** Where the state service built from exactly these sources lies, or will lie. */
async function directoryOf(chain: Toolchain): Promise<string> {
  const digest = createHash("sha256")
    .update(await moduleDigest(chain.stateService, chain.go))
    .digest("hex")
    .slice(0, 16);
  return path.join(chain.cache, "state-service", `${platformId(chain.go.platform)}-${digest}`);
}

/** Path of the state service's binary; undefined while it is not built. */
export async function installedStateService(chain: Toolchain): Promise<string | undefined> {
  const directory = await directoryOf(chain);
  return (await installedSource(directory)) === undefined ? undefined : path.join(directory, binary);
}

/** Builds the state service. It is part of this project, so there is no download of it. */
export async function installStateService(chain: Toolchain): Promise<string> {
  const directory = await directoryOf(chain);
  const target: GoTarget = {
    name: "state service",
    module: chain.stateService,
    packages: { [binary]: `./cmd/${binary}` },
    variables: {},
    diskGiB: chain.versions.standIns.diskGiB,
    tried: [],
  };
  await checkGo([target], chain.cache, chain.go);
  await buildWithProgress(chain, target, directory, fetchModules(target, chain.go));
  return path.join(directory, binary);
}
