import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { StorageConfig } from "../config/schema/platform";

type LocalStorageConfig = Extract<StorageConfig, { type: "local" }>;

/** Name of the StorageClass for directories on the nodes. */
export const localStorageClassName = "local-storage";

/** Name of the claim for model weights, in every namespace with models. */
export const modelClaimName = "ai-models";

/**
 * The StorageClass `local-storage` for volumes that nobody provisions: once a stack, when `storage.type` is `local`.
 * Needs nothing; gives the class's name.
 */
export class LocalStorageClass extends pulumi.ComponentResource {
  /** Name of the StorageClass, known once it exists. */
  readonly className: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:serving:LocalStorageClass", name, {}, opts);
    const storageClass = new k8s.storage.v1.StorageClass(
      name,
      {
        metadata: { name: localStorageClassName, labels: storageLabels },
        provisioner: "kubernetes.io/no-provisioner",
        volumeBindingMode: "WaitForFirstConsumer",
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.className = storageClass.metadata.name;
    this.registerOutputs({ className: this.className });
  }
}

/** Arguments of `ModelStorage`. */
export interface ModelStorageArgs {
  /** Namespace of the claim. Pass `Tenancy.namespace`. */
  namespace: pulumi.Input<string>;
  /** The stack's `storage`. */
  storage: StorageConfig;
  /** `LocalStorageClass.className`; needed for `storage.type: local`, ignored elsewhere. */
  localClassName?: pulumi.Input<string>;
}

/**
 * Storage for model weights and compiled kernels of one namespace: a claim `ai-models`, and for `storage.type: local`
 * the volume `ai-models-<namespace>` behind it, a directory on whichever node a pod runs on. Weights stay when the
 * stack goes: the volume's reclaim policy is Retain.
 *
 * Throws when `storage.type` is `local` and no class is passed.
 */
export class ModelStorage extends pulumi.ComponentResource {
  /** Name of the claim, known once it exists. */
  readonly claimName: pulumi.Output<string>;

  constructor(name: string, args: ModelStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:serving:ModelStorage", name, {}, opts);
    const { storage, namespace } = args;
    const claim =
      storage.type === "local"
        ? this.localClaim(name, namespace, storage, args.localClassName)
        : this.claim(name, namespace, {
            storageClassName: storage.className,
            accessModes: [storage.accessMode],
            resources: { requests: { storage: storage.size } },
          });
    this.claimName = claim.metadata.name;
    this.registerOutputs({ claimName: this.claimName });
  }

  private localClaim(
    name: string,
    namespace: pulumi.Input<string>,
    storage: LocalStorageConfig,
    className: pulumi.Input<string> | undefined,
  ): k8s.core.v1.PersistentVolumeClaim {
    if (className === undefined) {
      throw new Error("storage.type is local, which needs localClassName: pass LocalStorageClass.className");
    }
    const volume = new k8s.core.v1.PersistentVolume(
      name,
      {
        metadata: { name: pulumi.interpolate`${modelClaimName}-${namespace}`, labels: storageLabels },
        spec: {
          capacity: { storage: storage.size },
          accessModes: ["ReadWriteOnce"],
          persistentVolumeReclaimPolicy: "Retain",
          storageClassName: className,
          hostPath: { path: storage.path, type: "DirectoryOrCreate" },
        },
      },
      { parent: this, deleteBeforeReplace: true },
    );
    return this.claim(
      name,
      namespace,
      {
        storageClassName: className,
        // Without it the claims of two namespaces could take each other's volumes.
        volumeName: volume.metadata.name,
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: storage.size } },
      },
      // The API server resizes only claims that a provisioner made. Nothing enforces the size of a directory either:
      // a new one is declared on the volume, and the claim keeps what it was bound with.
      ["spec.resources"],
    );
  }

  private claim(
    name: string,
    namespace: pulumi.Input<string>,
    spec: k8s.types.input.core.v1.PersistentVolumeClaimSpec,
    ignoreChanges: string[] = [],
  ): k8s.core.v1.PersistentVolumeClaim {
    return new k8s.core.v1.PersistentVolumeClaim(
      name,
      {
        metadata: {
          name: modelClaimName,
          namespace,
          labels: storageLabels,
          // Pending and Bound are both fine. A claim of a WaitForFirstConsumer class is Pending until its first pod,
          // one that names its volume is Bound at once, and the provider would wait for the other of the two for ever.
          annotations: { "pulumi.com/waitFor": "jsonpath={.status.phase}" },
        },
        spec,
      },
      { parent: this, deleteBeforeReplace: true, ignoreChanges },
    );
  }
}

const storageLabels = {
  "app.kubernetes.io/name": "model-storage",
  "app.kubernetes.io/part-of": "inference-stack",
  "app.kubernetes.io/managed-by": "pulumi",
};
