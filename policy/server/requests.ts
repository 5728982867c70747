import type { PolicyProviderResource, PolicyResource, PolicyResourceOptions } from "@pulumi/policy";
import type { ObjectValue } from "../demand/field";
import { readRawStruct, readStruct, unmarkSecrets } from "./values";
import { MessageReader } from "./wire";

/* Field numbers of the messages, as in pulumi/analyzer.proto. */
const resourceFields = { type: 1, properties: 2, urn: 3, name: 4, options: 5, provider: 6, parent: 7, dependency: 8 };
const optionFields = { protect: 1, ignoreChanges: 2, secretOutputs: 5, aliases: 6, parent: 8 };

/**
 * A resource that the engine asks about. Its properties are decoded when a policy first reads them: most requests are
 * about resources whose type alone says enough.
 */
export class RequestedResource implements PolicyResource {
  readonly type: string = "";
  readonly urn: string = "";
  readonly name: string = "";
  /** URN of the parent. */
  readonly parentUrn: string = "";
  readonly dependencyUrns: readonly string[] = [];
  parent: PolicyResource | undefined;
  dependencies: PolicyResource[] = [];
  readonly propertyDependencies: Record<string, PolicyResource[]> = {};
  protected readonly parts: { properties?: MessageReader; options?: MessageReader; provider?: MessageReader } = {};
  private decodedProps: ObjectValue | undefined;
  private decodedOptions: PolicyResourceOptions | undefined;
  private decodedProvider: PolicyProviderResource | undefined;

  constructor(message: MessageReader) {
    const dependencies: string[] = [];
    for (let field = message.next(); field > 0; field = message.next()) {
      if (field === resourceFields.type) this.type = message.text();
      else if (field === resourceFields.properties) this.parts.properties = message.message();
      else if (field === resourceFields.urn) this.urn = message.text();
      else if (field === resourceFields.name) this.name = message.text();
      else if (field === resourceFields.options) this.parts.options = message.message();
      else if (field === resourceFields.provider) this.parts.provider = message.message();
      else if (field === resourceFields.parent) this.parentUrn = message.text();
      else if (field === resourceFields.dependency) dependencies.push(message.text());
      else message.skip();
    }
    this.dependencyUrns = dependencies;
  }

  /** Values that are not known at preview are UNKNOWN. */
  get props(): Record<string, unknown> {
    const { properties } = this.parts;
    this.decodedProps ??= properties === undefined ? {} : readStruct(properties);
    return this.decodedProps;
  }

  get opts(): PolicyResourceOptions {
    this.decodedOptions ??= readOptions(this.parts.options);
    return this.decodedOptions;
  }

  get provider(): PolicyProviderResource | undefined {
    const { provider } = this.parts;
    if (provider !== undefined) this.decodedProvider ??= readProvider(provider);
    return this.decodedProvider;
  }

  isType(resourceClass: unknown): boolean {
    return (resourceClass as { __pulumiType?: string }).__pulumiType === this.type;
  }

  asType<T>(resourceClass: unknown): T | undefined {
    return this.isType(resourceClass) ? (this.props as T) : undefined;
  }
}

/**
 * A resource to correct. Its properties go back to the engine, so they hold what the engine writes for unknown values;
 * secrets are shown by their value until `markSecrets` is called.
 */
export class CorrectableResource extends RequestedResource {
  private raw: Record<string, unknown> | undefined;
  markSecrets: () => void = () => undefined;

  override get props(): Record<string, unknown> {
    if (this.raw === undefined) {
      const { properties } = this.parts;
      this.raw = properties === undefined ? {} : readRawStruct(properties);
      this.markSecrets = unmarkSecrets(this.raw);
    }
    return this.raw;
  }
}

/** A whole stack, with parents and dependencies joined. */
export function readStackRequest(bytes: Buffer): RequestedResource[] {
  const message = new MessageReader(bytes);
  const resources: RequestedResource[] = [];
  while (message.next() > 0) resources.push(new RequestedResource(message.message()));
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  for (const resource of resources) {
    resource.parent = byUrn.get(resource.parentUrn);
    resource.dependencies = resource.dependencyUrns.flatMap((urn) => byUrn.get(urn) ?? []);
  }
  return resources;
}

function readOptions(message: MessageReader | undefined): PolicyResourceOptions {
  const options = {
    protect: false,
    ignoreChanges: [] as string[],
    aliases: [] as string[],
    additionalSecretOutputs: [] as string[],
    customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    parent: undefined as string | undefined,
  };
  for (let field = message?.next() ?? 0; message !== undefined && field > 0; field = message.next()) {
    if (field === optionFields.protect) options.protect = message.boolean();
    else if (field === optionFields.ignoreChanges) options.ignoreChanges.push(message.text());
    else if (field === optionFields.secretOutputs) options.additionalSecretOutputs.push(message.text());
    else if (field === optionFields.aliases) options.aliases.push(message.text());
    else if (field === optionFields.parent) options.parent = message.text();
    else message.skip();
  }
  return options;
}

function readProvider(message: MessageReader): PolicyProviderResource {
  const { type, urn, name, props } = new RequestedResource(message);
  return { type, urn, name, props };
}
