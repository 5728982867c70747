import { createRequire } from "node:module";
import type { Policies } from "@pulumi/policy";
import * as structs from "google-protobuf/google/protobuf/struct_pb";
import { policies } from "../../policy/policies";

/** What the SDK puts in the place of a value that is not known at preview. */
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

/* The SDK's own servers of the two calls: they make the proxies around properties and turn errors into advisories. */
type Handler = (call: { request: unknown }, callback: (error: Error | null, response?: Response) => void) => void;
type HandlerMaker = (pack: string, version: string, level: string, policies: Policies) => Handler;
interface Response {
  toObject(): {
    diagnosticsList: { policyname: string; message: string; urn: string; enforcementlevel: number }[];
  };
}
const load = createRequire(__filename);
const server = load("@pulumi/policy/server") as {
  makeAnalyzeRpcFun: HandlerMaker;
  makeAnalyzeStackRpcFun: HandlerMaker;
};
const proto = load("@pulumi/pulumi/proto/analyzer_pb") as Record<string, new () => Message>;
type Setter =
  | "setType"
  | "setUrn"
  | "setName"
  | "setParent"
  | "setProperties"
  | "setOptions"
  | "setProvider"
  | "setResourcesList"
  | "setProtect"
  | "setIgnorechangesList";
type Message = Record<Setter, (value: unknown) => void>;

const mandatory = 1;

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
  const before = process.env.PULUMI_NODEJS_DRY_RUN;
  process.env.PULUMI_NODEJS_DRY_RUN = String(isPreview);
  try {
    const configured = withConfig(
      policies().filter(({ name }) => name !== disabled),
      packConfig,
    );
    const found: Violation[] = [];
    const analyze = server.makeAnalyzeRpcFun("inference-stack", "0.1.0", "mandatory", configured);
    for (const resource of resources.filter(({ unregistered }) => unregistered !== true)) {
      found.push(...(await call(analyze, request("AnalyzeRequest", resource, resource.props), "resource")));
    }
    if (skipStack) return found;
    const stack = new (messageType("AnalyzeStackRequest"))();
    stack.setResourcesList(
      resources.map((resource) => request("AnalyzerResource", resource, resource.outputs ?? resource.props)),
    );
    const analyzeStack = server.makeAnalyzeStackRpcFun("inference-stack", "0.1.0", "mandatory", configured);
    return [...found, ...(await call(analyzeStack, stack, "stack"))];
  } finally {
    if (before === undefined) delete process.env.PULUMI_NODEJS_DRY_RUN;
    else process.env.PULUMI_NODEJS_DRY_RUN = before;
  }
}

/** Asserts nothing; tells messages of mandatory violations. */
export async function refusals(...args: Parameters<typeof check>): Promise<string[]> {
  return (await check(...args)).filter(({ level }) => level === "mandatory").map(({ message }) => message);
}

export function urnOf(resource: TestResource): string {
  return `urn:pulumi:test::inference-stack::${resource.type}::${resource.name ?? "it"}`;
}

function messageType(name: string): new () => Message {
  const type = proto[name];
  if (type === undefined) throw new Error(`the SDK has no message ${name}`);
  return type;
}

function request(name: string, resource: TestResource, props: object): Message {
  const message = new (messageType(name))();
  message.setType(resource.type);
  message.setUrn(urnOf(resource));
  message.setName(resource.name ?? "it");
  message.setProperties(structs.Struct.fromJavaScript(props as Record<string, structs.JavaScriptValue>));
  const options = new (messageType("AnalyzerResourceOptions"))();
  options.setProtect(resource.protect ?? false);
  options.setIgnorechangesList([...(resource.ignoreChanges ?? [])]);
  message.setOptions(options);
  if (name === "AnalyzerResource" && resource.parent !== undefined) message.setParent(resource.parent);
  if (resource.providerProps !== undefined) {
    const provider = new (messageType("AnalyzerProviderResource"))();
    provider.setType("pulumi:providers:kubernetes");
    provider.setProperties(
      structs.Struct.fromJavaScript(resource.providerProps as Record<string, structs.JavaScriptValue>),
    );
    message.setProvider(provider);
  }
  return message;
}

function withConfig(pack: Policies, packConfig: PackConfig): Policies {
  return pack.map((policy) => {
    const entries = Object.entries(packConfig[policy.name] ?? {}).filter(([key]) => key !== "enforcementLevel");
    const getConfig = <T>(): T => Object.fromEntries(entries) as T;
    const configured: Record<string, unknown> = { ...policy };
    if ("validateResource" in policy && typeof policy.validateResource === "function") {
      const validate = policy.validateResource;
      configured.validateResource = (args: Parameters<typeof validate>[0], report: Parameters<typeof validate>[1]) =>
        validate({ ...args, getConfig }, report);
    }
    if ("validateStack" in policy) {
      const validate = policy.validateStack;
      configured.validateStack = (args: Parameters<typeof validate>[0], report: Parameters<typeof validate>[1]) =>
        validate({ ...args, getConfig }, report);
    }
    return configured as unknown as Policies[number];
  });
}

async function call(handler: Handler, message: Message, phase: Violation["phase"]): Promise<Violation[]> {
  const response = await new Promise<Response>((resolve, reject) => {
    handler({ request: message }, (error, answer) => {
      if (error !== null && error !== undefined) reject(error);
      else if (answer === undefined) reject(new Error("the policy server answered nothing"));
      else resolve(answer);
    });
  });
  return response.toObject().diagnosticsList.map((diagnostic) => ({
    policy: diagnostic.policyname,
    level: diagnostic.enforcementlevel === mandatory ? "mandatory" : "advisory",
    message: diagnostic.message,
    urn: diagnostic.urn,
    phase,
  }));
}
