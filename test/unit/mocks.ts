import * as pulumi from "@pulumi/pulumi";

/** One resource as the program registered it with the engine. */
export interface RecordedResource {
  readonly type: string;
  /** Logical name, as given to the constructor. */
  readonly name: string;
  readonly urn: string;
  /** False for components. */
  readonly custom: boolean;
  /** Inputs with secrets unwrapped; `secrets` says which they are. Unknown values are `pulumi.runtime.unknownValue`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Paths of the secret inputs, such as `stringData.token` or `values.keys[0]`, sorted. */
  readonly secrets: readonly string[];
  /** URN of the parent; empty at the top. */
  readonly parent: string;
  /** URNs of everything that this resource waits for: `dependsOn` and Outputs in its inputs, sorted. */
  readonly dependencies: readonly string[];
  /** URN of the explicit provider; empty for the default one. */
  readonly provider: string;
  /** URNs of the explicit providers of a component, by package. */
  readonly providers: Readonly<Record<string, string>>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly deletedWith: string;
  readonly customTimeouts: { readonly create?: string; readonly update?: string; readonly delete?: string };
  /** What a component passed to `registerOutputs`; undefined when it never called it. */
  readonly outputs: Readonly<Record<string, unknown>> | undefined;
}

export interface RecordOptions {
  /** Run as `pulumi preview`: what a provider computes is unknown. Defaults to false. */
  readonly preview?: boolean;
  /** Further outputs of a resource, merged over its inputs. */
  readonly outputs?: (args: pulumi.runtime.MockResourceArgs) => Record<string, unknown> | undefined;
  /** Answers provider functions. By default every call fails. */
  readonly call?: (args: pulumi.runtime.MockCallArgs) => Record<string, unknown>;
}

export class RecordedProgram<T> {
  constructor(
    /** In order of registration. */
    readonly resources: readonly RecordedResource[],
    /** What the function returned. */
    readonly result: T,
  ) {}

  /** All resources of a type. */
  all(type: string): RecordedResource[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The only resource of a type, or of a type and name; throws when there is none or more than one. */
  one(type: string, name?: string): RecordedResource {
    const found = this.all(type).filter((resource) => name === undefined || resource.name === name);
    const [resource] = found;
    if (resource === undefined || found.length > 1) {
      const known = this.resources.map((other) => `${other.type} ${other.name}`).join("\n  ");
      throw new Error(`expected one ${type} ${name ?? ""}, found ${found.length} among:\n  ${known}`);
    }
    return resource;
  }

  /** Names of the resources with these URNs, sorted: shorter to assert than URNs. */
  names(urns: readonly string[]): string[] {
    return urns.map((urn) => this.resources.find((resource) => resource.urn === urn)?.name ?? urn).sort();
  }

  /** Name of a resource's parent; undefined at the top. */
  parentName(resource: RecordedResource): string | undefined {
    return resource.parent === "" ? undefined : this.names([resource.parent])[0];
  }
}

type MockMonitor = InstanceType<typeof import("@pulumi/pulumi/runtime/mocks").MockMonitor>;
type RegisterRequest = import("@pulumi/pulumi/proto/resource_pb").RegisterResourceRequest;
type RegisterResponse = import("@pulumi/pulumi/proto/resource_pb").RegisterResourceResponse;
type OutputsRequest = import("@pulumi/pulumi/proto/resource_pb").RegisterResourceOutputsRequest;

/**
 * Runs a function that makes resources against Pulumi's mocks and returns what it registered, once every registration
 * (those made inside `apply` too) has settled. Rejects with the first error of the function, of an Output, or of a
 * registration. Programs run one after the other: await each call before the next.
 */
export async function recordProgram<T>(
  fn: () => T | Promise<T>,
  options: RecordOptions = {},
): Promise<RecordedProgram<T>> {
  await pulumi.runtime.setMocks(mocksOf(options), "inference-stack", "test", options.preview ?? false);
  const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
  const recorded = record(monitor);
  const failures = new UncaughtFailures();
  try {
    const result = await fn();
    await settle(() => recorded.activity());
    failures.throwFirst();
    return new RecordedProgram(recorded.resources(), result);
  } finally {
    failures.stop();
  }
}

/** The value of an Output, secret or not; undefined when unknown. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });
}

function mocksOf(options: RecordOptions): pulumi.runtime.Mocks {
  return {
    newResource: (args) => {
      const inputs = args.inputs as Record<string, unknown>;
      const state = { ...inputs, ...kubernetesOutputs(args), ...options.outputs?.(args) };
      return { id: args.custom === false ? undefined : `${args.name}-id`, state };
    },
    call: (args) => {
      if (options.call === undefined) {
        throw new Error(`unexpected call of the provider function ${args.token}`);
      }
      return options.call(args);
    },
  };
}

/** A real provider fills in an auto-generated name and the default namespace. */
function kubernetesOutputs(args: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  if (!args.type.startsWith("kubernetes:") || args.type.startsWith("kubernetes:helm.sh/")) {
    return {};
  }
  const inputs = args.inputs as { metadata?: Record<string, unknown> };
  return { metadata: { name: args.name, namespace: "default", ...inputs.metadata } };
}

function record(monitor: MockMonitor): { resources: () => RecordedResource[]; activity: () => number } {
  const requests: { request: RegisterRequest; urn: string }[] = [];
  const outputs = new Map<string, Record<string, unknown>>();
  let activity = 0;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: RegisterRequest, callback) => {
    const entry = { request, urn: "" };
    requests.push(entry);
    activity++;
    return register(request, (error, response) => {
      entry.urn = error === null ? (response as RegisterResponse).getUrn() : "";
      activity++;
      callback(error, response);
    });
  };
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResourceOutputs = (request: OutputsRequest, callback) => {
    outputs.set(request.getUrn(), unwrapSecrets(request.getOutputs()?.toJavaScript()).value as Record<string, unknown>);
    activity++;
    registerOutputs(request, callback);
  };
  return {
    activity: () => activity,
    resources: () => requests.map(({ request, urn }) => toRecord(request, urn, outputs.get(urn))),
  };
}

function toRecord(request: RegisterRequest, urn: string, outputs?: Record<string, unknown>): RecordedResource {
  const { value, secrets } = unwrapSecrets(request.getObject()?.toJavaScript());
  const timeouts = request.getCustomtimeouts();
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
    custom: request.getCustom(),
    inputs: value as Record<string, unknown>,
    secrets: secrets.sort(),
    parent: request.getParent(),
    dependencies: request.getDependenciesList().sort(),
    provider: providerUrn(request.getProvider()),
    providers: Object.fromEntries(
      [...request.getProvidersMap().entries()].map(([name, reference]) => [name, providerUrn(reference)]),
    ),
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    deleteBeforeReplace: request.getDeletebeforereplace(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    deletedWith: request.getDeletedwith(),
    customTimeouts: {
      create: timeouts?.getCreate() || undefined,
      update: timeouts?.getUpdate() || undefined,
      delete: timeouts?.getDelete() || undefined,
    },
    outputs,
  };
}

/** A provider reference is its URN, `::` and its id. */
function providerUrn(reference: string): string {
  return reference.split("::").slice(0, 4).join("::");
}

function unwrapSecrets(input: unknown): { value: unknown; secrets: string[] } {
  const secrets: string[] = [];
  const unwrap = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) {
      return value.map((element, index) => unwrap(element, `${path}[${index}]`));
    }
    if (typeof value !== "object" || value === null) {
      return value;
    }
    const entries = value as Record<string, unknown>;
    if (entries[pulumi.runtime.specialSigKey] === pulumi.runtime.specialSecretSig) {
      secrets.push(path);
      return unwrap(entries.value, path);
    }
    return Object.fromEntries(
      Object.entries(entries).map(([key, element]) => [key, unwrap(element, path === "" ? key : `${path}.${key}`)]),
    );
  };
  return { value: unwrap(input ?? {}, ""), secrets };
}

/** Waits until a full round of pending calls and timers brings no new registration. */
async function settle(activity: () => number): Promise<void> {
  // Not in the SDK's typings, but what its own tests use: `disconnect` would also drop the monitor.
  const runtime = pulumi.runtime as unknown as { waitForRPCs(): Promise<void> };
  let before: number;
  do {
    before = activity();
    await runtime.waitForRPCs();
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  } while (activity() !== before);
}

/** The SDK reports a failed registration only as an unhandled rejection, which would abort the test runner. */
class UncaughtFailures {
  private readonly failures: unknown[] = [];
  private readonly others = process.listeners("unhandledRejection");
  private readonly listener = (reason: unknown) => this.failures.push(reason);

  constructor() {
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", this.listener);
  }

  throwFirst(): void {
    const [first] = this.failures;
    if (first !== undefined) {
      throw first instanceof Error ? first : new Error(`the program failed with ${JSON.stringify(first)}`);
    }
  }

  stop(): void {
    process.off("unhandledRejection", this.listener);
    this.others.forEach((listener) => process.on("unhandledRejection", listener));
  }
}
