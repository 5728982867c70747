/**
 * Shapes of credentials that no stack config may hold in plain text. The token prefixes are the ones that their
 * issuers document so that scanners can find leaked tokens.
 */
const credentialPatterns: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: "a Hugging Face token", pattern: /\bhf_[A-Za-z0-9]{20,}/g },
  {
    name: "a private key",
    pattern: /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
  },
  { name: "a GitHub token", pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})/g },
  { name: "a GitLab token", pattern: /\bglpat-[\w-]{20,}/g },
  { name: "an AWS access key", pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  { name: "an NGC or NVIDIA API key", pattern: /\bnvapi-[\w-]{20,}/g },
  { name: "an API key", pattern: /\bsk-[A-Za-z0-9_-]{20,}/g },
  { name: "a password in a URL", pattern: /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/gi },
];

/** What kind of credential a text seems to hold, e.g. `a Hugging Face token`; undefined when none. */
export function credentialIn(text: string): string | undefined {
  return credentialPatterns.find(({ pattern }) => text.search(pattern) >= 0)?.name;
}

/** The text with every credential replaced by `[secret]`. */
export function redact(text: string): string {
  return credentialPatterns.reduce((result, { pattern }) => result.replace(pattern, "[secret]"), text);
}
