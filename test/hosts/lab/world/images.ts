import path from "node:path";
import { vllmVersion } from "../../../../components/config/vllmRelease";
import type { Binaries, Workshop } from "./binaries";
import { ensureLayout, type Image } from "./imageLayout";
import { ensureLayer, type Layer, type LayerContents } from "./layers";
import { kubernetesReleases, releases } from "./releases";
import { accounts, ensureUserland } from "./userland";
import { ensureStandIn } from "./vllmStandIn";

/** The image with the vLLM stand-in, beside the names of the release images that it takes the place of. */
export const vllmStandInImage = `registry.example.test/vllm-stand-in:v${vllmVersion}`;

/** The image with a device plugin that advertises as many GPUs as the host's PCI tree declares. */
export const devicePluginImage = "docker.io/rocm/k8s-device-plugin:latest";

export const agnhostImage = `registry.k8s.io/e2e-test-images/agnhost:${releases.agnhost}`;

/** Pause images that containerd and kubeadm ask for: containerd 1.6, 1.7, 2.0, 2.1 and 2.2, kubeadm 1.36. */
const pauseTags = ["3.6", "3.8", "3.9", "3.10", "3.10.1", "3.10.2"];

/**
 * All images of the lab's registries, as an OCI image layout. Needs the workshop's lock.
 */
export async function ensureImages(workshop: Workshop, binaries: Binaries): Promise<string> {
  const parts: Parts = {
    tools: await ensureUserland(workshop),
    bare: await ensureLayer(workshop, "accounts", accounts, () => accounts),
    // The directories of compiled programs are named by what they were compiled from.
    programs: async (files) => {
      const names = Object.keys(files).map((file) => path.basename(file));
      return ensureLayer(workshop, names.join(", "), files, () => entries(files));
    },
  };
  const images: Image[] = [];
  for (const release of kubernetesReleases) {
    images.push(...(await controlPlane(release, binaries.kubernetes[release]!, parts)));
  }
  images.push(...(await clusterImages(binaries, parts)));
  const standIn = await ensureStandIn(workshop);
  images.push({ names: [vllmStandInImage, ...vllmReleaseImages], layers: [standIn], entrypoint: ["vllm", "serve"] });
  return ensureLayout(workshop, images);
}

const vllmReleaseImages = ["vllm-openai-rocm", "vllm-openai", "vllm-openai-cpu"].map(
  (name) => `docker.io/vllm/${name}:v${vllmVersion}`,
);

interface Parts {
  /** Userland that programs call. */
  readonly tools: Layer;
  /** Accounts and temporary directory alone. */
  readonly bare: Layer;
  /** A layer with programs: sources by path in the image. */
  readonly programs: (files: Readonly<Record<string, string>>) => Promise<Layer>;
}

async function controlPlane(release: string, directory: string, parts: Parts): Promise<Image[]> {
  const components = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
  return Promise.all(
    components.map(async (name) => ({
      names: [`registry.k8s.io/${name}:v${release}`],
      layers: [
        name === "kube-proxy" ? parts.tools : parts.bare,
        await parts.programs({ [`/usr/local/bin/${name}`]: path.join(directory, name) }),
      ],
    })),
  );
}

async function clusterImages(binaries: Binaries, { tools, bare, programs }: Parts): Promise<Image[]> {
  const one = async (
    name: string,
    base: Layer,
    files: Record<string, string>,
    entrypoint?: string[],
  ): Promise<Image> => ({
    names: [name],
    layers: [base, await programs(files)],
    entrypoint,
  });
  const etcd = ["etcd", "etcdctl", "etcdutl"].map((name) => [`/usr/local/bin/${name}`, path.join(binaries.etcd, name)]);
  const pause = await one("", bare, { "/pause": path.join(binaries.small, "pause") }, ["/pause"]);
  const metallb = ["controller", "speaker"].map((name) =>
    one(`quay.io/metallb/${name}:v${releases.metallb}`, bare, { [`/${name}`]: path.join(binaries.metallb, name) }, [
      `/${name}`,
    ]),
  );
  return [
    { ...pause, names: pauseTags.map((tag) => `registry.k8s.io/pause:${tag}`) },
    await one(`registry.k8s.io/etcd:${releases.etcd}-0`, bare, Object.fromEntries(etcd) as Record<string, string>),
    await one(
      `registry.k8s.io/coredns/coredns:v${releases.coredns}`,
      bare,
      { "/coredns": path.join(binaries.coredns, "coredns") },
      ["/coredns"],
    ),
    await one(
      `ghcr.io/flannel-io/flannel:v${releases.flannel}`,
      tools,
      { "/opt/bin/flanneld": path.join(binaries.flannel, "flanneld") },
      ["/opt/bin/flanneld"],
    ),
    await one(`ghcr.io/flannel-io/flannel-cni-plugin:v${releases.flannelCniPlugin}`, tools, {
      "/flannel": path.join(binaries.flannel, "flannel"),
    }),
    ...(await Promise.all(metallb)),
    await one(agnhostImage, tools, { "/agnhost": path.join(binaries.agnhost, "agnhost") }, ["/agnhost"]),
    await one(
      `ghcr.io/kube-vip/kube-vip:v${releases.kubeVip}`,
      bare,
      { "/kube-vip": path.join(binaries.small, "kubevip") },
      ["/kube-vip"],
    ),
    await one(devicePluginImage, bare, { "/usr/bin/deviceplugin": path.join(binaries.small, "deviceplugin") }, [
      "/usr/bin/deviceplugin",
    ]),
  ];
}

const entries = (files: Readonly<Record<string, string>>): LayerContents =>
  Object.fromEntries(Object.entries(files).map(([target, file]) => [target, { file }]));
