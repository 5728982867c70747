import type { Policies, PolicyResource, ResourceValidationArgs, Severity } from "@pulumi/policy";
import type { PolicySettings } from "./config";
import type { RecordedResource } from "./resources";

/** One violation of a policy. */
export interface Violation {
  readonly policy: string;
  readonly level: "mandatory" | "advisory";
  readonly severity: Severity;
  /** The resource; undefined where the whole stack is meant. */
  readonly urn?: string;
  readonly message: string;
}

/** Runs the policies over recorded resources as the engine does: each resource by itself, then all together. */
export async function audit(
  policies: Policies,
  settings: ReadonlyMap<string, PolicySettings>,
  recorded: readonly RecordedResource[],
): Promise<Violation[]> {
  const found: Violation[] = [];
  const resources = policyResources(recorded);
  const enabled = policies.filter(({ name }) => settings.get(name)?.level !== "disabled");
  const common = (policy: Policies[number]) => ({
    getConfig: <T extends object>(): T => (settings.get(policy.name)?.config ?? {}) as T,
    stackTags: new Map<string, string>(),
    notApplicable: (reason?: string): never => {
      throw new Error(reason);
    },
  });
  const reporter = (policy: Policies[number], own?: string) => (message: string, urn?: string) => {
    const level = settings.get(policy.name)?.level === "advisory" ? "advisory" : "mandatory";
    const about = urn ?? own;
    const { name, severity = "medium" } = policy;
    found.push({ policy: name, level, severity, message, ...(about === undefined ? {} : { urn: about }) });
  };
  for (const resource of resources) {
    for (const policy of enabled) {
      if (!("validateResource" in policy) || policy.validateResource === undefined) continue;
      const args = { ...resource, ...common(policy) } as unknown as ResourceValidationArgs;
      for (const validate of [policy.validateResource].flat()) await validate(args, reporter(policy, resource.urn));
    }
  }
  for (const policy of enabled) {
    if ("validateStack" in policy) await policy.validateStack({ ...common(policy), resources }, reporter(policy));
  }
  return found;
}

function policyResources(recorded: readonly RecordedResource[]): PolicyResource[] {
  const byUrn = new Map(recorded.map((resource) => [resource.urn, base(resource)]));
  return recorded.map((resource) => {
    const [parent, provider] = [resource.parent, resource.provider].map((urn) => byUrn.get(urn ?? ""));
    return {
      ...base(resource),
      dependencies: [],
      propertyDependencies: {},
      ...(parent === undefined ? {} : { parent }),
      ...(provider === undefined ? {} : { provider }),
    } as unknown as PolicyResource;
  });
}

function base({ type, urn, inputs, protect }: RecordedResource) {
  return {
    type,
    urn,
    name: urn.slice(urn.lastIndexOf("::") + 2),
    props: inputs,
    opts: { protect, ignoreChanges: [], aliases: [], additionalSecretOutputs: [], customTimeouts: {} },
    isType: () => false,
    asType: () => undefined,
  };
}
