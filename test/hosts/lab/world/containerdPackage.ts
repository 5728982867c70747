import path from "node:path";
import { ownFile, type PackageSpec } from "./debianPackage";
import { releases } from "./releases";

/** Numbers of Debian's releases, which Docker's versions name as well. */
const debianReleases: Readonly<Record<string, number>> = { bookworm: 12, trixie: 13 };

/**
 * containerd 2 as Docker's repository names it. Docker's package brings a runc of its own; this one takes the
 * distribution's, which is C in part and no module to compile.
 * @param directory the compiled programs
 */
export function containerdPackage(directory: string, suite: string): PackageSpec {
  const programs = ["containerd", "containerd-shim-runc-v2", "ctr"].map((name) => [
    `/usr/bin/${name}`,
    { source: path.join(directory, name), mode: 0o755 },
  ]);
  return {
    name: "containerd.io",
    version: releases.containerd,
    revision: `1~debian.${debianReleases[suite]}~${suite}`,
    description: "Container runtime",
    // The distribution's package has the same programs and unit.
    relations: { Depends: "runc", Provides: "containerd", Conflicts: "containerd", Replaces: "containerd" },
    files: {
      ...(Object.fromEntries(programs) as PackageSpec["files"]),
      // Where the distribution's package has it, too: a unit that moved to /usr/lib would be lost when one package
      // takes the place of the other.
      "/lib/systemd/system/containerd.service": ownFile("containerd.service"),
      // As Docker's, it turns the CRI plugin off: whoever sets up a node has to write another one.
      "/etc/containerd/config.toml": ownFile("containerd.toml"),
    },
    scripts: ["postinst", "prerm", "postrm"],
    conffiles: ["/etc/containerd/config.toml"],
  };
}
