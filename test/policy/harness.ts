import * as messages from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { policies } from "../../policy/policies";
import { PolicyService } from "../../policy/server/service";

/** What the engine puts in the place of a value that is not known at preview. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export interface TestResource {
  readonly type: string;
  readonly name?: string;
  readonly props: object;
  /** Outputs for the stack's check; the inputs unless given. */
  readonly outputs?: object;
  /** Names the parent in the same list. */
  readonly parent?: string;
  readonly providerProps?: object;
  readonly protect?: boolean;
  readonly ignoreChanges?: readonly string[];
  /** Leaves out the check of the single resource, as for one that an update with --target does not register. */
  readonly unregistered?: boolean;
}

export interface Violation {
  readonly policy: string;
  readonly level: "mandatory" | "advisory";
  readonly message: string;
  readonly urn: string;
  readonly phase: "resource" | "stack";
}

export type PackConfig = Record<string, Record<string, unknown>>;

export const config: PackConfig = {
  "gpu-demand": {
    daemonSetNodes: 4,
    sharesPerGpu: {},
    ceilings: {},
    releases: [
      { chart: "metallb", repository: "https://metallb.github.io/metallb", gpus: 0 },
      { chart: "./sim/charts/metallb", gpus: 0 },
      { chart: "llm-suite", repository: "https://charts.example.com", gpus: 4 },
    ],
  },
  "gpu-quota-per-namespace": { quotas: { chat: 8, research: 4 }, defaultQuota: 0 },
  "gpu-quota-per-stack": { quota: 12 },
  "host-paths": { allowed: ["/mnt/data/ai-models", "/dev/shm"] },
};

/** The ResourceQuota that the stack gives a namespace. */
export function resourceQuota(namespace: string, gpus: number): TestResource {
  const hard = {
    "requests.amd.com/gpu": String(gpus),
    "requests.nvidia.com/gpu": String(gpus),
    "gpu.amd.com.deviceclass.resource.k8s.io/devices": String(gpus),
  };
  return {
    type: "kubernetes:core/v1:ResourceQuota",
    name: `${namespace}-quota`,
    props: { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "gpu-quota", namespace }, spec: { hard } },
  };
}

const defaultTenants = [resourceQuota("chat", 8), resourceQuota("research", 4)];

/**
 * Runs the pack over a stack as the engine does: each resource as it comes, then all together.
 * @param isPreview false checks as in an update, where quotas are weighed resource by resource
 * @param tenants resources that stand beside those under test: by default the quotas of the namespaces
 */
export async function check(
  underTest: readonly TestResource[],
  options: {
    config?: PackConfig;
    isPreview?: boolean;
    skipStack?: boolean;
    disabled?: string;
    tenants?: readonly TestResource[];
  } = {},
): Promise<Violation[]> {
  const resources = [...(options.tenants ?? defaultTenants), ...underTest];
  const { config: packConfig = config, isPreview = true, skipStack = false, disabled } = options;
  const service = new PolicyService({
    name: "inference-stack",
    version: "0.1.0",
    policies: policies().filter(({ name }) => name !== disabled),
  });
  const stack = new messages.AnalyzerStackConfigureRequest();
  stack.setDryRun(isPreview);
  service.configureStack(stack);
  service.configure(configRequest(packConfig));
  const found: Violation[] = [];
  for (const resource of resources.filter(({ unregistered }) => unregistered !== true)) {
    const request = fill(new messages.AnalyzeRequest(), resource, resource.props);
    found.push(...violationsOf(await service.analyze(bytesOf(request)), "resource"));
  }
  if (skipStack) return found;
  const request = new messages.AnalyzeStackRequest();
  request.setResourcesList(
    resources.map((resource) => {
      const message = fill(new messages.AnalyzerResource(), resource, resource.outputs ?? resource.props);
      message.setParent(resource.parent ?? "");
      return message;
    }),
  );
  return [...found, ...violationsOf(await service.analyzeStack(bytesOf(request)), "stack")];
}

/** Asserts nothing; tells messages of mandatory violations. */
export async function refusals(...args: Parameters<typeof check>): Promise<string[]> {
  return (await check(...args)).filter(({ level }) => level === "mandatory").map(({ message }) => message);
}

export function urnOf(resource: TestResource): string {
  return `urn:pulumi:test::inference-stack::${resource.type}::${resource.name ?? "it"}`;
}

/** A request about a resource as the engine makes it. */
export function fill<T extends messages.AnalyzeRequest | messages.AnalyzerResource>(
  message: T,
  resource: TestResource,
  props: object,
): T {
  message.setType(resource.type);
  message.setUrn(urnOf(resource));
  message.setName(resource.name ?? "it");
  message.setProperties(structOf(props));
  const options = new messages.AnalyzerResourceOptions();
  options.setProtect(resource.protect ?? false);
  options.setIgnorechangesList([...(resource.ignoreChanges ?? [])]);
  message.setOptions(options);
  if (resource.providerProps !== undefined) {
    const provider = new messages.AnalyzerProviderResource();
    provider.setType("pulumi:providers:kubernetes");
    provider.setProperties(structOf(resource.providerProps));
    message.setProvider(provider);
  }
  return message;
}

export function bytesOf(message: { serializeBinary(): Uint8Array }): Buffer {
  return Buffer.from(message.serializeBinary());
}

function configRequest(packConfig: PackConfig): messages.ConfigureAnalyzerRequest {
  const request = new messages.ConfigureAnalyzerRequest();
  for (const [name, { enforcementLevel, ...properties }] of Object.entries(packConfig)) {
    const entry = new messages.PolicyConfig();
    const { MANDATORY, REMEDIATE } = messages.EnforcementLevel;
    entry.setEnforcementlevel(enforcementLevel === "remediate" ? REMEDIATE : MANDATORY);
    entry.setProperties(structOf(properties));
    request.getPolicyconfigMap().set(name, entry);
  }
  return request;
}

function structOf(value: object): Struct {
  return Struct.fromJavaScript(value as Record<string, JavaScriptValue>);
}

function violationsOf(response: messages.AnalyzeResponse, phase: Violation["phase"]): Violation[] {
  const { MANDATORY } = messages.EnforcementLevel;
  return response.getDiagnosticsList().map((diagnostic) => ({
    policy: diagnostic.getPolicyname(),
    level: diagnostic.getEnforcementlevel() === MANDATORY ? "mandatory" : "advisory",
    message: diagnostic.getMessage(),
    urn: diagnostic.getUrn(),
    phase,
  }));
}
