import type {
  EnforcementLevel,
  PolicyResource,
  Policies,
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";
import type { PolicySettings } from "../report/config";

/** One violation of a policy. */
export interface Violation {
  readonly policy: string;
  readonly level: "mandatory" | "advisory";
  readonly severity: Severity;
  /** The resource; undefined where the whole stack is meant. */
  readonly urn?: string;
  readonly message: string;
}

/** Properties that a policy has corrected. */
export interface Correction {
  readonly policy: ResourceValidationPolicy;
  readonly props: Record<string, unknown>;
}

/** A resource as the engine asks about it. */
export type AskedResource = Omit<PolicyResource, "parent" | "dependencies" | "propertyDependencies">;

type Policy = Policies[number];

const byDefault: PolicySettings = { level: "mandatory", config: {} };

/** Asks the policies, at the levels and with the config that the engine has set. */
export class Analyzer {
  private settings: ReadonlyMap<string, PolicySettings> = new Map();
  private stackTags: ReadonlyMap<string, string> = new Map();

  private enabledPolicies: readonly EnabledPolicy[] | undefined;

  constructor(readonly policies: Policies) {}

  configure(settings: ReadonlyMap<string, PolicySettings>): void {
    this.settings = settings;
    this.enabledPolicies = undefined;
  }

  configureStack(tags: ReadonlyMap<string, string>): void {
    this.stackTags = tags;
    this.enabledPolicies = undefined;
  }

  levelOf(policy: Policy): EnforcementLevel {
    return this.settings.get(policy.name)?.level ?? policy.enforcementLevel ?? byDefault.level;
  }

  /** What the policies say about a resource before it is made. */
  async analyze(resource: AskedResource): Promise<Violation[]> {
    const found: Violation[] = [];
    for (const { policy, answers } of this.enabled()) {
      if (!isResourcePolicy(policy) || policy.validateResource === undefined) continue;
      const args = new PolicyArguments(resource, answers);
      const report = this.reporter(policy, found, resource.urn);
      for (const validate of [policy.validateResource].flat()) await telling(policy, () => validate(args, report));
    }
    return found;
  }

  /** What the policies say about all resources together. */
  async analyzeStack(resources: PolicyResource[]): Promise<Violation[]> {
    const found: Violation[] = [];
    for (const { policy, answers } of this.enabled()) {
      if (!isStackPolicy(policy)) continue;
      const args = { resources, ...answers };
      await telling(policy, () => policy.validateStack(args, this.reporter(policy, found)));
    }
    return found;
  }

  /** Policies that may correct resources. */
  get remedies(): ResourceValidationPolicy[] {
    return this.policies
      .filter(isResourcePolicy)
      .filter((policy) => policy.remediateResource !== undefined && this.levelOf(policy) === "remediate");
  }

  /** Lets each policy correct what the one before has left. */
  async remediate(resource: AskedResource): Promise<Correction[]> {
    const corrections: Correction[] = [];
    let props: Record<string, unknown> | undefined;
    for (const policy of this.remedies) {
      const args = new PolicyArguments(resource, this.answersFor(policy), props);
      const corrected = await telling(policy, () => policy.remediateResource?.(args));
      if (corrected === undefined || corrected === null) continue;
      props = corrected as Record<string, unknown>;
      corrections.push({ policy, props });
    }
    return corrections;
  }

  /** The policies that are not disabled. Found anew when the engine has configured the pack. */
  private enabled(): readonly EnabledPolicy[] {
    this.enabledPolicies ??= this.policies
      .filter((policy) => this.levelOf(policy) !== "disabled")
      .map((policy) => ({ policy, answers: this.answersFor(policy) }));
    return this.enabledPolicies;
  }

  private answersFor(policy: Policy): Answers {
    const { config } = this.settings.get(policy.name) ?? byDefault;
    return {
      stackTags: this.stackTags,
      getConfig: <T extends object>(): T => config as T,
      notApplicable: (reason?: string): never => {
        throw new NotApplicable(reason);
      },
    };
  }

  /** @param about the resource that a violation is about unless the policy names another */
  private reporter(policy: Policy, found: Violation[], about?: string): ReportViolation {
    const { name, severity = "medium" } = policy;
    // What a remedy did not correct is refused.
    const level = this.levelOf(policy) === "advisory" ? "advisory" : "mandatory";
    return (message: string, urn = about) => {
      found.push({ policy: name, level, severity, message, ...(urn === undefined ? {} : { urn }) });
    };
  }
}

/** What a policy is told beside the resource. */
type Answers = Pick<ResourceValidationArgs, "stackTags" | "getConfig" | "notApplicable">;

interface EnabledPolicy {
  readonly policy: Policy;
  readonly answers: Answers;
}

/** Copies nothing of the resource, which decodes properties and options when they are first read. */
class PolicyArguments implements ResourceValidationArgs {
  readonly stackTags: Answers["stackTags"];
  readonly getConfig: Answers["getConfig"];
  readonly notApplicable: Answers["notApplicable"];

  constructor(
    private readonly resource: AskedResource,
    { stackTags, getConfig, notApplicable }: Answers,
    private readonly corrected?: Record<string, unknown>,
  ) {
    this.stackTags = stackTags;
    this.getConfig = getConfig;
    this.notApplicable = notApplicable;
  }

  get type(): string {
    return this.resource.type;
  }

  get urn(): string {
    return this.resource.urn;
  }

  get name(): string {
    return this.resource.name;
  }

  get props(): Record<string, unknown> {
    return this.corrected ?? this.resource.props;
  }

  get opts(): AskedResource["opts"] {
    return this.resource.opts;
  }

  get provider(): AskedResource["provider"] {
    return this.resource.provider;
  }

  isType(resourceClass: Parameters<AskedResource["isType"]>[0]): boolean {
    return this.resource.isType(resourceClass);
  }

  asType(resourceClass: Parameters<AskedResource["isType"]>[0]): never {
    return (this.isType(resourceClass) ? this.props : undefined) as never;
  }
}

class NotApplicable extends Error {}

function isResourcePolicy(policy: Policy): policy is ResourceValidationPolicy {
  return "validateResource" in policy || "remediateResource" in policy;
}

function isStackPolicy(policy: Policy): policy is StackValidationPolicy {
  return "validateStack" in policy;
}

/** A policy that fails must stop the operation: its silence would let everything pass. */
async function telling<T>(policy: Policy, ask: () => T | Promise<T>): Promise<T | undefined> {
  try {
    const answer = ask();
    // Most policies answer at once; waiting for each of them would cost more than they do.
    return answer instanceof Promise ? await answer : answer;
  } catch (error) {
    if (error instanceof NotApplicable) return undefined;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`policy ${policy.name} failed: ${text}`, { cause: error });
  }
}
