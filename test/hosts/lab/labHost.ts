import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { kill } from "./cgroups";
import { execute } from "./execute";
import { cutPower, hostProcesses, isOn, startKeeper, type KeeperSettings } from "./keeper";
import { sshRun, type SshOptions, type SshResult } from "./ssh";

/** Seconds for a host to answer after it was turned on; it takes two to eight. */
const bootPatience = 90;

export interface LabHostOptions extends KeeperSettings {
  readonly hostKey: string;
  readonly privateKey: string;
  readonly gpus: number;
}

/** A host of the lab: Debian 12 with systemd and sshd, and the switches that a test has over it. */
export class LabHost {
  constructor(private readonly options: LabHostOptions) {}

  get name(): string {
    return this.options.name;
  }

  get address(): string {
    return this.options.address;
  }

  /** Public SSH key, as in known_hosts: `ssh-ed25519 AAAA…`. */
  get hostKey(): string {
    return this.options.hostKey;
  }

  get gpus(): number {
    return this.options.gpus;
  }

  /** The host's file system, as the machine sees it, also while the host is off. */
  get root(): string {
    return path.join(this.options.directory, "root");
  }

  get isOn(): boolean {
    return isOn(this.options.directory);
  }

  /**
   * Runs a command over SSH, as root by default, and resolves to its stdout.
   * @throws with its output when it fails, and when the host does not answer
   */
  async run(command: string, options: SshOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.tryRun(command, options);
    if (code !== 0) {
      const ended = code === undefined ? "lost its connection" : `exit code ${code}`;
      throw new Error(`${this.name}: ${command}: ${ended}\n${stdout}${stderr}`);
    }
    return stdout;
  }

  /** Like {@link run}, for commands that may fail. */
  tryRun(command: string, options: SshOptions = {}): Promise<SshResult> {
    return sshRun(this.options, command, options);
  }

  /** Waits until the host answers SSH; after a reboot, until it answers as another boot. */
  async waitForSsh(previousBoot?: string): Promise<void> {
    let problem = "";
    for (const end = Date.now() + bootPatience * 1000; Date.now() < end; await sleep(100)) {
      try {
        if ((await this.run("cat /proc/sys/kernel/random/boot_id", { timeout: 3000 })).trim() !== previousBoot) {
          return;
        }
        problem = "it has not gone down yet";
      } catch (error) {
        problem = (error as Error).message;
      }
      if (!this.isOn) {
        throw new Error(`${this.name} turned itself off. The end of its console:\n${this.consoleEnd()}`);
      }
    }
    throw new Error(
      `${this.name} does not answer SSH after ${bootPatience} s: ${problem}. The end of its console:\n${this.consoleEnd()}`,
    );
  }

  /** An orderly reboot: it resolves when the host is back, with another boot id. */
  async reboot(): Promise<void> {
    const before = (await this.run("cat /proc/sys/kernel/random/boot_id")).trim();
    // The connection may be cut before the command has ended.
    await this.tryRun("systemctl reboot");
    await this.waitForSsh(before);
  }

  /** Cuts the power: no process of the host gets to do anything more. */
  async powerOff(): Promise<void> {
    await cutPower(this.options.directory);
  }

  /** Turns the host on; it resolves when it answers SSH. */
  async powerOn(): Promise<void> {
    startKeeper(this.options);
    await this.waitForSsh();
  }

  /** Ends every SSH session of the host; what they ran goes on, without anybody to read its output. */
  cutConnections(): void {
    hostProcesses(this.options.network, this.name)
      .filter(({ command }) => command.startsWith("sshd: ") && !command.includes("[listener]"))
      .forEach(({ pid }) => kill(pid));
  }

  /** Pulls the network cable. Connections stay as they are, and hear nothing. */
  async unplug(): Promise<void> {
    await this.setLink("down");
  }

  async plug(): Promise<void> {
    await this.setLink("up");
  }

  /** Makes `date` on the host wrong by so many seconds, and right again with 0. Nothing else sees that clock. */
  skewClock(seconds: number): void {
    const wrapper = path.join(this.root, "usr/local/bin/date");
    if (seconds === 0) {
      rmSync(wrapper, { force: true });
      return;
    }
    writeFileSync(wrapper, `#!/bin/sh\nexec /bin/date --date='${seconds} seconds' "$@"\n`, { mode: 0o755 });
  }

  /** Until the next boot, shows other contents in a file of the host, also below /proc and /sys. */
  async override(file: string, contents: string): Promise<void> {
    const copy = `/run/machine/override-${file.replaceAll("/", "-")}`;
    await this.run(`cat > '${copy}' && mount --bind '${copy}' '${file}'`, { input: contents });
  }

  /** Until the next boot, mounts an empty file system of that size over a directory, which is made when missing. */
  async mountSmallDisk(directory: string, mebibytes: number): Promise<void> {
    await this.run(`mkdir -p '${directory}' && mount -t tmpfs -o size=${mebibytes}m tmpfs '${directory}'`);
  }

  /** The last lines that the host wrote to its console. */
  consoleEnd(lines = 20): string {
    const text = readFileSync(path.join(this.options.directory, "console.log"), "utf8");
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  private async setLink(state: "up" | "down"): Promise<void> {
    const link = `host${this.address.split(".")[3]}`;
    await execute("ip", ["-n", this.options.network.name, "link", "set", link, state]);
  }
}
