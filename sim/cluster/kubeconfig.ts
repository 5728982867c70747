import * as fs from "node:fs/promises";
import * as path from "node:path";
import { writeAtomically, type ClusterPaths } from "./state";

/** Writes the kubeconfig of the cluster's administrator, certificates included, readable by its owner only. */
export async function writeKubeconfig(paths: ClusterPaths, apiServerPort: number): Promise<void> {
  const [authority, certificate, key] = await Promise.all(
    ["ca.crt", "admin.crt", "admin.key"].map((file) => fs.readFile(path.join(paths.cluster, "pki", file), "base64")),
  );
  const name = `inference-stack-${paths.name}`;
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [
      {
        name,
        cluster: { server: `https://127.0.0.1:${apiServerPort}`, "certificate-authority-data": authority },
      },
    ],
    users: [{ name, user: { "client-certificate-data": certificate, "client-key-data": key } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  const contents = `${JSON.stringify(kubeconfig, null, 2)}\n`;
  const present = await fs.readFile(paths.kubeconfig, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  });
  // An untouched file keeps its time stamp, which tells watchers that nothing changed.
  if (present !== contents) {
    await writeAtomically(paths.kubeconfig, contents, 0o600);
  } else {
    await fs.chmod(paths.kubeconfig, 0o600);
  }
}
