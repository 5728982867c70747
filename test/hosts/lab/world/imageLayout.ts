import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import path from "node:path";
import { installAtomically, installedSource } from "../../../../sim/toolchain/cache";
import { linkOrCopy } from "../../../../sim/toolchain/tools";
import { currentPlatform } from "../../../../sim/toolchain/versions";
import type { Workshop } from "./binaries";
import type { Layer } from "./layers";

/** An image with its layers, under all its names. */
export interface Image {
  /** Full names, e.g. `registry.k8s.io/pause:3.10.2`. */
  readonly names: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly layers: readonly Layer[];
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/**
 * A directory with all images in the form of an OCI image layout, whose index names them in full. Needs the workshop's
 * lock. Source: https://github.com/opencontainers/image-spec, image-layout.md.
 */
export async function ensureLayout(workshop: Workshop, images: readonly Image[]): Promise<string> {
  const documents = images.map((image) => imageDocuments(image, currentPlatform().arch));
  const index = JSON.stringify(imageIndex(images, documents), undefined, 1);
  const directory = path.join(
    workshop.directory,
    "images",
    createHash("sha256").update(index).digest("hex").slice(0, 12),
  );
  if ((await installedSource(directory)) !== undefined) {
    return directory;
  }
  await installAtomically(workshop.directory, directory, async (temporary) => {
    const blobs = path.join(temporary, "blobs", "sha256");
    await fs.mkdir(blobs, { recursive: true });
    const place = (digest: string): string => path.join(blobs, digest.replace("sha256:", ""));
    for (const layer of new Map(images.flatMap(({ layers }) => layers).map((each) => [each.digest, each])).values()) {
      await linkOrCopy(layer.file, place(layer.digest));
    }
    for (const text of documents.flatMap(({ config, manifest }) => [config, manifest])) {
      await fs.writeFile(place(blobOf(text).digest), text);
    }
    await fs.writeFile(path.join(temporary, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    await fs.writeFile(path.join(temporary, "index.json"), index);
    return { source: "build", from: "test/hosts/lab/world" };
  });
  return directory;
}

/** The configuration and manifest of an image, as they are stored. */
export function imageDocuments(image: Image, arch: string): { readonly config: string; readonly manifest: string } {
  const config = JSON.stringify({
    architecture: arch,
    os: "linux",
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      ...(image.entrypoint === undefined ? {} : { Entrypoint: image.entrypoint }),
    },
    rootfs: { type: "layers", diff_ids: image.layers.map(({ digest }) => digest) },
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, ...blobOf(config) },
    layers: image.layers.map(({ digest, size }) => ({ mediaType: mediaTypes.layer, digest, size })),
  });
  return { config, manifest };
}

/** The index of all images: an entry a name. */
export function imageIndex(images: readonly Image[], documents: readonly { readonly manifest: string }[]): unknown {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.flatMap(({ names }, i) =>
      names.map((name) => ({
        mediaType: mediaTypes.manifest,
        ...blobOf(documents[i]!.manifest),
        annotations: { "org.opencontainers.image.ref.name": name },
      })),
    ),
  };
}

function blobOf(text: string): Blob {
  return { digest: `sha256:${createHash("sha256").update(text).digest("hex")}`, size: Buffer.byteLength(text) };
}
