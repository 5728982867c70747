import type { Field } from "./demand/field";
import { containersOf, podSpecs } from "./pack/podSpecs";
import { objectPolicy } from "./pack/rule";

interface Config {
  readonly registries?: readonly string[];
  readonly requireDigest?: boolean;
}

/** Tags that by custom move from release to release. */
const movingTags = new Set(["latest", "main", "master", "nightly", "dev", "edge", "stable"]);

/** An image, also one that is mounted as a volume, is the same on each node and at each restart, and comes from a registry that the config allows. */
export const imageSources = objectPolicy<Config>({
  name: "image-sources",
  description: "Images of containers and of volumes must be pinned and come from an allowed registry.",
  severity: "high",
  properties: {
    registries: {
      type: "array",
      description: "Registries, or repositories in them, such as ghcr.io/acme; any by default.",
      items: { type: "string", minLength: 1 },
      minItems: 1,
    },
    requireDigest: { type: "boolean", description: "Whether a tag is not enough; false by default." },
  },
  check: (object, config) =>
    podSpecs(object)
      .flatMap((pod) => [
        ...containersOf(pod)
          .filter((container) => !container.isUnknown)
          .map((container) => container.get("image")),
        ...pod.spec
          .get("volumes")
          .items()
          .filter((volume) => !volume.isUnknown)
          .map((volume) => volume.get("image", "reference")),
      ])
      .filter((image) => image.exists)
      .flatMap((image) => imageFaults(image, config)),
});

function imageFaults(field: Field, { registries, requireDigest = false }: Config): string[] {
  // What only the update knows, as the digest of an image that it builds, is checked there before the pod is made.
  const image = field.text();
  if (image === undefined) return [];
  const { repository, tag, hasDigest } = parseImage(image);
  const faults: string[] = [];
  if (!hasDigest && requireDigest)
    faults.push(`${field.path} is ${image}, without a digest. Write it as name@sha256:….`);
  if (!hasDigest && (tag === undefined || movingTags.has(tag))) {
    faults.push(`${field.path} is ${image}, which can change under its name. Pin a version, or a digest.`);
  }
  if (registries?.some((allowed) => repository === allowed || repository.startsWith(`${allowed}/`)) === false) {
    faults.push(`${field.path} is ${image}; images may come from ${registries.join(", ")}.`);
  }
  return faults;
}

/** Splits an image reference; the registry and namespace that Docker leaves out are written out. */
export function parseImage(image: string): { repository: string; tag: string | undefined; hasDigest: boolean } {
  const [name = "", digest] = image.split("@", 2);
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  const path = hasTag ? name.slice(0, colon) : name;
  const [first = ""] = path.split("/", 1);
  const hasRegistry = path.includes("/") && (/[.:]/.test(first) || first === "localhost");
  const repository = hasRegistry ? path : `docker.io/${path.includes("/") ? path : `library/${path}`}`;
  return {
    repository,
    tag: hasTag ? name.slice(colon + 1) : undefined,
    hasDigest: /^sha256:[0-9a-f]{64}$/.test(digest ?? ""),
  };
}
