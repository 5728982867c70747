import { gibibyte, inGib, sources, type HostRow } from "../row";

/** Bytes that must be free where containerd and kubelet keep their data. */
export const minimumRoot = 20 * gibibyte;
/** Two versions of a serving image with its operator: a plan figure of ours, from 28.6 GB for one unpacked image. */
const plannedImages = 150 * gibibyte;
const minimumInodes = 100_000;

/** Disks. A member has used its space for what it is there for, so only bare hosts are measured. */
export const storageRows: readonly HostRow[] = [
  {
    id: "disk",
    number: 33,
    severity: "fail",
    bareOnly: true,
    check: "20 GiB and 100000 inodes are free where containerd and kubelet keep their data",
    cause: "pods are evicted, and images never finish pulling",
    fix: "free space, or mount a bigger file system there",
    source: `${sources.bloom} system_requirements.yaml`,
    find: ({ facts }) =>
      ["/var/lib/containerd", "/var/lib/kubelet"].flatMap((path) => {
        const free = facts.free(path);
        if (free === undefined) return [];
        if (free.bytes < minimumRoot) return [`${path} has ${inGib(free.bytes)} free`];
        return free.inodes < minimumInodes ? [`${path} has ${free.inodes} inodes free`] : [];
      }),
  },
  {
    id: "image-disk",
    number: 33,
    severity: "warn",
    bareOnly: true,
    check: "GPU hosts have 150 GiB free for images",
    cause: "a serving image takes 22 to 29 GB unpacked, two during an upgrade",
    fix: "give /var/lib/containerd a file system of its own",
    source: "vllm-project/vllm#27154, #17163; the figure is this project's plan",
    find: ({ host, facts }) => {
      const free = facts.free("/var/lib/containerd");
      return host.gpus > 0 && free !== undefined && free.bytes < plannedImages
        ? `/var/lib/containerd has ${inGib(free.bytes)} free`
        : undefined;
    },
  },
  {
    id: "model-disk",
    number: 33,
    severity: "fail",
    bareOnly: true,
    check: "The directory for model weights has the space that the config plans for it",
    cause: "weights do not fit",
    fix: "mount a bigger file system there, choose another storage.path, or plan a smaller storage.size",
    source: sources.bloom,
    find: ({ host, facts }, { modelStorage }) => {
      const free = modelStorage && facts.free(modelStorage.path);
      if (host.gpus === 0 || modelStorage === undefined || free === undefined) return undefined;
      return free.bytes < modelStorage.bytes
        ? `${modelStorage.path} has ${inGib(free.bytes)} free, ${inGib(modelStorage.bytes)} are planned`
        : undefined;
    },
  },
  {
    id: "etcd-disk",
    number: 34,
    severity: "warn",
    check: "A control plane keeps etcd's data on a solid-state disk",
    cause: "etcd needs its writes on the disk within 10 ms, else the leader changes under load",
    fix: "mount an NVMe disk at /var/lib/etcd; measure it with fio --fdatasync=1 --bs=2300",
    source: "etcd-io/etcd discussion 17305",
    find: ({ host, facts }) =>
      host.role === "control-plane" && facts.text("rotationalDisk") === "1"
        ? "the disk of /var/lib is a rotating one"
        : undefined,
  },
  {
    id: "multipath",
    number: 36,
    severity: "warn",
    check: "multipathd does not run",
    cause: "it grabs disks that CSI drivers make",
    fix: 'blacklist them in /etc/multipath.conf: devnode "^sd[a-z0-9]+", then restart multipathd; or turn it off',
    source: `${sources.bloom} multipath.yaml`,
    find: ({ facts }) => (facts.text("multipath") === "active" ? "runs multipathd" : undefined),
  },
  {
    id: "mount-propagation",
    number: 36,
    severity: "warn",
    check: "The root file system is mounted as shared",
    cause: "mounts of CSI drivers do not reach pods",
    fix: "mount --make-rshared /, at each boot",
    source: "k0sproject/k0sctl phase/prepare_hosts.go",
    find: ({ facts }) => {
      const propagation = facts.text("propagation");
      return propagation === "" || propagation.includes("shared") ? undefined : `/ is mounted as ${propagation}`;
    },
  },
];
