import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

/** What a host shows of its hardware. */
export interface Machine {
  readonly productUuid: string;
  /** GPUs in the PCI tree, at most 8. */
  readonly gpus: number;
  /** PCI device id of the GPUs. Defaults to 0x74a1, MI300X. */
  readonly gpuDevice?: string;
  /** Whether the kernel's amdgpu driver is there: module, /dev/kfd and /dev/dri. Defaults to true with GPUs. */
  readonly gpuDriver?: boolean;
}

/** Where the eight GPUs of an MI300X platform sit, and the NUMA node of each. */
const gpuSlots = ["0c", "22", "38", "5c", "9f", "af", "bf", "df"].map((bus, index) => ({
  address: `0000:${bus}:00.0`,
  numaNode: index < 4 ? 0 : 1,
}));

export const mostGpus = gpuSlots.length;

/** Writes what the host's first process shows under /sys, see hostInit.sh. */
export function writeMachine(directory: string, machine: Machine): void {
  const driver = machine.gpus > 0 && (machine.gpuDriver ?? true);
  writeFiles(path.join(directory, "dmi"), {
    product_uuid: `${machine.productUuid}\n`,
    product_name: "Lab host\n",
    sys_vendor: "inference-stack\n",
    product_serial: `${machine.productUuid.slice(0, 8)}\n`,
  });
  // Only root may read it, as on real hosts.
  chmodSync(path.join(directory, "dmi", "product_uuid"), 0o400);
  const pci = path.join(directory, "pci");
  writeDevice(path.join(pci, "0000:00:00.0"), { vendor: "0x8086", device: "0x1237", class: "0x060000", numaNode: 0 });
  for (const { address, numaNode } of gpuSlots.slice(0, machine.gpus)) {
    const device = path.join(pci, address);
    // 0x120000: processing accelerator, see the PCI class codes.
    writeDevice(device, { vendor: "0x1002", device: machine.gpuDevice ?? "0x74a1", class: "0x120000", numaNode });
    if (driver) {
      symlinkSync("../../../bus/pci/drivers/amdgpu", path.join(device, "driver"));
    }
  }
  mkdirSync(path.join(directory, "modules"), { recursive: true });
  if (driver) {
    writeFiles(path.join(directory, "modules", "amdgpu"), {
      initstate: "live\n",
      refcnt: "0\n",
      version: "6.16.13\n",
      srcversion: "0123456789ABCDEF01234567\n",
    });
  }
}

interface PciDevice {
  readonly vendor: string;
  readonly device: string;
  readonly class: string;
  readonly numaNode: number;
}

/** The files of a device that lspci, drivers and scripts read. */
function writeDevice(directory: string, pci: PciDevice): void {
  const id = (text: string): string => text.slice(2).toUpperCase();
  writeFiles(directory, {
    vendor: `${pci.vendor}\n`,
    device: `${pci.device}\n`,
    subsystem_vendor: `${pci.vendor}\n`,
    subsystem_device: `${pci.device}\n`,
    class: `${pci.class}\n`,
    revision: "0x00\n",
    irq: "0\n",
    enable: "1\n",
    numa_node: `${pci.numaNode}\n`,
    current_link_speed: "32.0 GT/s PCIe\n",
    max_link_speed: "32.0 GT/s PCIe\n",
    current_link_width: "16\n",
    max_link_width: "16\n",
    resource: `${`${Array<string>(3)
      .fill(`0x${"0".repeat(16)}`)
      .join(" ")}\n`.repeat(13)}`,
    uevent: `PCI_CLASS=${Number(pci.class).toString(16).toUpperCase()}\nPCI_ID=${id(pci.vendor)}:${id(pci.device)}\nPCI_SLOT_NAME=${path.basename(directory)}\n`,
    config: configSpace(pci),
  });
}

/**
 * The first 256 bytes of a device's configuration space: the header, and a PCI Express capability that says
 * 32 GT/s x16 (PCI Express Base Specification, 7.5).
 */
function configSpace(pci: PciDevice): Buffer {
  const space = Buffer.alloc(256);
  const capability = 0x40;
  space.writeUInt16LE(Number(pci.vendor), 0x00);
  space.writeUInt16LE(Number(pci.device), 0x02);
  // Status: has a list of capabilities.
  space.writeUInt16LE(0x0010, 0x06);
  // Class code in the upper three bytes, revision in the lowest.
  space.writeUInt32LE(Number(pci.class) * 0x100, 0x08);
  space.writeUInt16LE(Number(pci.vendor), 0x2c);
  space.writeUInt16LE(Number(pci.device), 0x2e);
  space.writeUInt8(capability, 0x34);
  // Capability PCI Express (0x10), the last one, version 2, of an endpoint.
  space.writeUInt32LE(0x0002_0010, capability);
  // Link capabilities and status: speed 5 is 32 GT/s, width 16.
  space.writeUInt32LE((16 << 4) | 5, capability + 0x0c);
  space.writeUInt16LE((16 << 4) | 5, capability + 0x12);
  return space;
}

function writeFiles(directory: string, files: Readonly<Record<string, string | Buffer>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, contents] of Object.entries(files)) {
    writeFileSync(path.join(directory, name), contents);
  }
}
