import { Field } from "./demand/field";
import type { KubeObject } from "./demand/objects";
import { containersOf, podSpecs } from "./pack/podSpecs";
import { objectPolicy } from "./pack/rule";

/** Forms of well-known credentials. */
const credentials: readonly (readonly [string, RegExp])[] = [
  ["a Hugging Face token", /\bhf_[A-Za-z0-9]{20,}\b/],
  ["a GitHub token", /\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})\b/],
  ["a GitLab token", /\bglpat-[\w-]{20,}/],
  ["an AWS access key", /\b(AKIA|ASIA)[0-9A-Z]{16}\b/],
  ["a Google API key", /\bAIza[\w-]{35}\b/],
  ["a Slack token", /\bxox[abeprs]-[\w-]{10,}/],
  ["an NVIDIA API key", /\bnvapi-[\w-]{20,}/],
  ["an API key", /\bsk-[A-Za-z0-9_-]{20,}/],
  ["a Pulumi token", /\bpul-[0-9a-f]{40}\b/],
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ["a JSON web token", /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+/],
  ["a password in a URL", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/:@]+@/i],
];

/** Names whose values are credentials, whatever their form. */
const secretName =
  /(password|passwd|passphrase|secret_?key|private_?key|api_?key|access_?key|_token|authtoken|accesstoken)$/i;
const secretFlag = /^--?[\w-]*(password|api-key|secret-key|access-key|auth-token|hf-token)(=(.+))?$/i;

/** Values that point to a secret, or hold none. */
const reference = /^$|^\$\(|^\$\{|\{\{/;

/**
 * Credentials stand in Secrets only. A value in the environment, in arguments, annotations, ConfigMaps or Helm values
 * is readable for everyone who may list pods. Messages name the place, never the value.
 */
export const noPlainSecrets = objectPolicy({
  name: "no-plain-secrets",
  description: "Credentials must not stand in environment, arguments, annotations, ConfigMaps or Helm values.",
  severity: "critical",
  check: (object) => [
    ...podSpecs(object).flatMap(containersOf).flatMap(containerFaults),
    ...annotationFaults(object),
    ...configMapFaults(object),
  ],
  checkRelease: (release) => valueFaults("", new Field(release.props, "").get("values")),
});

const advice = "Put it into a Secret, and refer to that.";

function containerFaults(container: Field): string[] {
  const environment = container
    .get("env")
    .items()
    .flatMap((entry) => {
      const name = entry.get("name").text() ?? "";
      return textFaults(name, entry.get("value"));
    });
  return [...environment, ...argumentFaults(container.get("command")), ...argumentFaults(container.get("args"))];
}

function argumentFaults(list: Field): string[] {
  const items = list.items();
  return items.flatMap((field, index) => {
    const flag = secretFlag.exec(field.text() ?? "");
    const value = flag?.[2] === undefined ? items[index + 1]?.text() : flag[3];
    const isPlain = flag !== null && value !== undefined && !reference.test(value) && !value.startsWith("--");
    return isPlain ? [`${field.path} passes a credential. ${advice}`] : textFaults("", field);
  });
}

function annotationFaults(object: KubeObject): string[] {
  const lists = [object.root.get("metadata"), ...podSpecs(object).map(({ metadata }) => metadata)];
  const entries = new Map(
    lists.flatMap((list) => list.get("annotations").entries()).map(([key, field]) => [field.path, { key, field }]),
  );
  return [...entries.values()].flatMap(({ key, field }) => textFaults(key, field));
}

function configMapFaults(object: KubeObject): string[] {
  if (object.group !== "" || object.kind !== "ConfigMap") return [];
  return object.root
    .get("data")
    .entries()
    .flatMap(([key, field]) => textFaults(key, field));
}

function valueFaults(key: string, field: Field): string[] {
  if (field.text() !== undefined) return textFaults(key, field);
  return [
    ...field.entries().flatMap(([child, value]) => valueFaults(child, value)),
    ...(Array.isArray(field.value) ? field.items().flatMap((item) => valueFaults(key, item)) : []),
  ];
}

function textFaults(name: string, field: Field): string[] {
  const text = field.text();
  if (text === undefined || reference.test(text)) return [];
  const form = credentials.find(([, pattern]) => pattern.test(text))?.[0];
  if (form !== undefined) return [`${field.path} holds ${form}. ${advice}`];
  return secretName.test(name) ? [`${field.path} holds a credential, by its name. ${advice}`] : [];
}
