import type { Policies, PolicyResource } from "@pulumi/policy";
import { Analyzer, type Violation } from "../server/analyzer";
import type { PolicySettings } from "./config";
import type { RecordedResource } from "./resources";

/** Runs the policies over recorded resources as the engine does: each resource by itself, then all together. */
export async function audit(
  policies: Policies,
  settings: ReadonlyMap<string, PolicySettings>,
  recorded: readonly RecordedResource[],
): Promise<Violation[]> {
  const analyzer = new Analyzer(policies);
  analyzer.configure(settings);
  const resources = policyResources(recorded);
  const found: Violation[] = [];
  for (const resource of resources) found.push(...(await analyzer.analyze(resource)));
  return [...found, ...(await analyzer.analyzeStack(resources))];
}

function policyResources(recorded: readonly RecordedResource[]): PolicyResource[] {
  const byUrn = new Map(recorded.map((resource) => [resource.urn, base(resource)]));
  return recorded.flatMap(({ urn, ...resource }): PolicyResource[] => {
    const own = byUrn.get(urn);
    if (own === undefined) return [];
    const [parent, provider] = [resource.parent, resource.provider].map((other) => byUrn.get(other ?? ""));
    return [
      {
        ...own,
        ...(parent === undefined ? {} : { parent }),
        ...(provider === undefined ? {} : { provider }),
      },
    ];
  });
}

function base({ type, urn, inputs, protect }: RecordedResource): PolicyResource {
  return {
    type,
    urn,
    name: urn.slice(urn.lastIndexOf("::") + 2),
    props: inputs,
    opts: {
      protect,
      ignoreChanges: [],
      aliases: [],
      additionalSecretOutputs: [],
      customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    },
    dependencies: [],
    propertyDependencies: {},
    isType: () => false,
    asType: () => undefined,
  };
}
