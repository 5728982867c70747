/** What `facts.sh` prints: text by name, empty where the host cannot say. */
export type RawFacts = Readonly<Partial<Record<string, string>>>;

export interface Link {
  readonly name: string;
  readonly mac: string;
  readonly up: boolean;
}

export interface Listener {
  readonly port: number;
  /** Name of the program; empty when unknown. */
  readonly program: string;
}

export interface PciDevice {
  readonly address: string;
  /** `0x1002` */
  readonly vendor: string;
  /** `0x74a1` */
  readonly device: string;
  readonly linkSpeed?: number;
  readonly linkWidth?: number;
}

export interface Package {
  readonly name: string;
  readonly version: string;
}

/** Facts of one host, read by accessors: each row asks for what it needs, and a missing fact is undefined or empty. */
export class HostFacts {
  constructor(
    private readonly raw: RawFacts,
    /** Seconds that the host's clock is ahead of this machine's. */
    readonly clockOffset: number,
  ) {}

  /** A fact as it came, without white space around it. */
  text(name: string): string {
    return this.raw[name]?.trim() ?? "";
  }

  lines(name: string): string[] {
    const text = this.text(name);
    return text === "" ? [] : text.split("\n").map((line) => line.trim());
  }

  /** Lines of words. */
  table(name: string): string[][] {
    return this.lines(name).map((line) => line.split(/\s+/));
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }

  /** A value of /etc/os-release. */
  os(key: "ID" | "VERSION_ID" | "PRETTY_NAME" | "VERSION_CODENAME"): string {
    return new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(this.text("osRelease"))?.[1] ?? "";
  }

  /** Bytes of a line of /proc/meminfo. */
  memory(key: "MemTotal" | "MemAvailable" | "HugePages_Total"): number | undefined {
    const match = new RegExp(`^${key}:\\s+(\\d+)( kB)?$`, "m").exec(this.text("meminfo"));
    return match ? Number(match[1]) * (match[2] ? 1024 : 1) : undefined;
  }

  /** `[5, 15]` of 5.15.0-91-generic. */
  get kernel(): readonly [major: number, minor: number] | undefined {
    const match = /^(\d+)\.(\d+)/.exec(this.text("kernel"));
    return match ? [Number(match[1]), Number(match[2])] : undefined;
  }

  /** Bytes in use of each swap device or file. */
  get swaps(): { readonly name: string; readonly used: number }[] {
    return this.table("swaps")
      .slice(1)
      .map(([name = "", , , used = "0"]) => ({ name, used: Number(used) * 1024 }));
  }

  /** Network interfaces, without those that container networks make. */
  get links(): Link[] {
    return this.table("links").map(([name = "", state, mac = "", flags = ""]) => ({
      name: name.replace(/@.*/, ""),
      mac: mac.toLowerCase(),
      up: state === "UP" || flags.includes("LOWER_UP"),
    }));
  }

  /** Addresses with their prefix length, by interface. */
  get addresses(): { readonly link: string; readonly cidr: string }[] {
    return this.table("addresses").flatMap(([, link = "", family, cidr = ""]) =>
      family === "inet" || family === "inet6" ? [{ link, cidr }] : [],
    );
  }

  /** Networks that the host has routes to; the default route is not one. */
  get routes(): { readonly link: string; readonly cidr: string }[] {
    return this.lines("routes").flatMap((line) => {
      const match = /^([\d.]+(?:\/\d+)?) .*?dev (\S+)/.exec(line) ?? /^([\d.]+\/\d+) dev (\S+)/.exec(line);
      return match ? [{ cidr: match[1]!.includes("/") ? match[1]! : `${match[1]}/32`, link: match[2]! }] : [];
    });
  }

  /** MTU by interface. */
  get mtus(): ReadonlyMap<string, number> {
    return new Map(
      this.lines("mtus").flatMap((line) => {
        const match = /^\d+: ([^:@\s]+).* mtu (\d+) /.exec(line);
        return match ? [[match[1]!, Number(match[2])] as const] : [];
      }),
    );
  }

  /** The interface that carries an address. */
  linkOf(address: string): string | undefined {
    return this.addresses.find(({ cidr }) => cidr.split("/")[0] === address)?.link;
  }

  /** Listening TCP ports, on whatever address. */
  get listeners(): Listener[] {
    return this.lines("listening").flatMap((line) => {
      const port = Number(/^\S+\s+\d+\s+\d+\s+\S*:(\d+)\s/.exec(line)?.[1] ?? Number.NaN);
      return Number.isNaN(port) ? [] : [{ port, program: /users:\(\("([^"]+)"/.exec(line)?.[1] ?? "" }];
    });
  }

  /** Installed packages of interest. */
  get packages(): Package[] {
    return this.table("packages").flatMap(([name = "", status = "", version = ""]) =>
      status.startsWith("ii") || status.startsWith("hi") ? [{ name, version }] : [],
    );
  }

  version(name: string): string | undefined {
    return this.packages.find((one) => one.name === name)?.version;
  }

  /** Free bytes and inodes by path. A file system without fixed inodes says `-`. */
  free(path: string): { readonly bytes: number; readonly inodes: number } | undefined {
    const row = this.table("space").find(([at]) => at === path);
    if (row === undefined || !/^\d+$/.test(row[1] ?? "")) return undefined;
    const inodes = /^\d+$/.test(row[2] ?? "") && row[2] !== "0" ? Number(row[2]) : Number.POSITIVE_INFINITY;
    return { bytes: Number(row[1]), inodes };
  }

  get pciDevices(): PciDevice[] {
    return this.table("pciDevices").map(([address = "", vendor = "", device = "", , speed, width]) => ({
      address,
      vendor,
      device,
      ...(/^[\d.]+$/.test(speed ?? "") && { linkSpeed: Number(speed) }),
      ...(/^[1-9]\d*$/.test(width ?? "") && { linkWidth: Number(width) }),
    }));
  }

  hasModule(name: string): boolean {
    return this.lines("kernelModules").includes(name);
  }

  /** Value of a kernel parameter: true when it has none, undefined when it is not set. */
  kernelParameter(name: string): string | true | undefined {
    const word = this.text("commandLine")
      .split(/\s+/)
      .find((one) => one === name || one.startsWith(`${name}=`));
    return word === undefined ? undefined : word === name ? true : word.slice(name.length + 1);
  }
}
