import type {
  EnforcementLevel,
  PolicyConfigSchema,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";
import { UNKNOWN } from "../demand/field";
import { isRelease, type KubeObject, type StackResource } from "../demand/objects";
import { releaseNamespace } from "../demand/release";
import { readConfig } from "./config";
import { exemptionsSchema, judge, type Exemption } from "./exemptions";
import type { Ledger } from "./ledger";
import { kubeObjectsOf } from "./podSpecs";
import { sharedSnapshot } from "./snapshot";

interface RuleBase {
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  /** Mandatory unless given. */
  readonly enforcementLevel?: EnforcementLevel;
  /** Config keys beside `exemptions`. */
  readonly properties?: PolicyConfigSchema["properties"];
  readonly required?: readonly string[];
}

/** A policy about one Kubernetes object at a time. */
export interface ObjectRule<Config> extends RuleBase {
  /** What is wrong with an object, and what to do about it; without its name, which goes before it. */
  readonly check: (object: KubeObject, config: Config, args: ResourceValidationArgs) => string[];
  /** The same for a Helm Release. */
  readonly checkRelease?: (release: StackResource, config: Config) => string[];
}

/** A finding of a policy about the stack. */
export interface Finding {
  readonly label: string;
  readonly urn?: string;
  readonly message: string;
}

/** A policy about objects in view of each other. */
export interface StackRule<Config> extends RuleBase {
  readonly check: (ledger: Ledger, config: Config) => Finding[];
}

/** Makes a policy of a rule: config, exemptions, and messages that name the object. */
export function objectPolicy<Config extends object>(rule: ObjectRule<Config>): ResourceValidationPolicy {
  const { configSchema, read } = configOf<Config>(rule);
  return {
    ...describe(rule),
    configSchema,
    validateResource: (args, violation) => {
      const config = read(args.getConfig());
      const report = (label: string, messages: readonly string[]): void => {
        if (messages.length === 0) return;
        const { admitted, hint } = judge(rule.name, label, config.exemptions ?? []);
        if (!admitted) for (const message of messages) violation(`${label}: ${message}${hint}`);
      };
      if (isRelease(args.type)) {
        if (rule.checkRelease === undefined) return;
        const release = sharedSnapshot(args);
        report(releaseLabel(release), rule.checkRelease(release, config));
        return;
      }
      for (const object of kubeObjectsOf(args)) report(labelOf(object), rule.check(object, config, args));
    },
  };
}

/** Makes a policy of a rule about the stack. */
export function stackPolicy<Config extends object>(ledger: Ledger, rule: StackRule<Config>): StackValidationPolicy {
  const { configSchema, read } = configOf<Config>(rule);
  return {
    ...describe(rule),
    configSchema,
    validateStack: (args, violation) => {
      const config = read(args.getConfig());
      for (const { label, urn, message } of rule.check(ledger, config)) {
        const { admitted, hint } = judge(rule.name, label, config.exemptions ?? []);
        if (!admitted) violation(`${label}: ${message}${hint}`, urn);
      }
    },
  };
}

/** `kind/namespace/name` of an object, with `?` for what is unknown; cluster-wide objects stand under `default`. */
export function labelOf(object: KubeObject): string {
  const text = (part: string | typeof UNKNOWN): string => (part === UNKNOWN ? "?" : part);
  return `${object.kind}/${text(object.namespace)}/${text(object.name)}`;
}

function releaseLabel(release: StackResource): string {
  const namespace = releaseNamespace(release);
  const name = release.urn.slice(release.urn.lastIndexOf("::") + 2);
  return `Release/${namespace === UNKNOWN ? "?" : namespace}/${name}`;
}

function describe(rule: RuleBase) {
  const { name, description, severity, enforcementLevel = "mandatory" } = rule;
  return { name, description, severity, enforcementLevel };
}

function configOf<Config extends object>(rule: RuleBase) {
  const configSchema: PolicyConfigSchema = {
    properties: { ...rule.properties, exemptions: exemptionsSchema },
    required: [...(rule.required ?? [])],
  };
  return {
    configSchema,
    read: (config: object) => readConfig(rule.name, configSchema, config) as Config & { exemptions?: Exemption[] },
  };
}
