import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { imageDocuments, imageIndex, type Image } from "../../../../hosts/lab/world/imageLayout";

const layer = { file: "/layer.tar", digest: `sha256:${"a".repeat(64)}`, size: 10 };
const image: Image = { names: ["registry.k8s.io/pause:3.6", "registry.k8s.io/pause:3.9"], layers: [layer] };

const digest = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

describe("lab image layout", () => {
  it("links index, manifest, configuration and layers by digest and size", () => {
    const documents = imageDocuments({ ...image, entrypoint: ["/pause"] }, "amd64");
    const manifest = JSON.parse(documents.manifest) as {
      config: { digest: string; size: number };
      layers: { digest: string; size: number; mediaType: string }[];
    };
    assert.equal(manifest.config.digest, digest(documents.config));
    assert.equal(manifest.config.size, documents.config.length);
    assert.deepEqual(manifest.layers, [
      { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer.digest, size: 10 },
    ]);
    const config = JSON.parse(documents.config) as Record<string, unknown>;
    assert.deepEqual(config["rootfs"], { type: "layers", diff_ids: [layer.digest] });
    assert.equal(config["architecture"], "amd64");
    assert.deepEqual((config["config"] as { Entrypoint: string[] }).Entrypoint, ["/pause"]);
  });

  it("leaves the entry point out where an image has none", () => {
    const config = JSON.parse(imageDocuments(image, "arm64").config) as { config: object };
    assert.equal("Entrypoint" in config.config, false);
  });

  it("names one manifest under all names of its image", () => {
    const documents = [imageDocuments(image, "amd64")];
    const { manifests } = imageIndex([image], documents) as {
      manifests: { digest: string; size: number; annotations: Record<string, string> }[];
    };
    assert.deepEqual(
      manifests.map(({ annotations }) => annotations["org.opencontainers.image.ref.name"]),
      image.names,
    );
    for (const entry of manifests) {
      assert.equal(entry.digest, digest(documents[0]!.manifest));
      assert.equal(entry.size, documents[0]!.manifest.length);
    }
  });
});
