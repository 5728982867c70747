import * as pulumi from "@pulumi/pulumi";
import type { SecretsConfig } from "./schema/stack";

/** The stack's secret values. They leave this class only as secret Outputs. */
export class StackSecrets {
  /** Contents of the kubeconfig, when `secrets.kubeconfig` is set. */
  readonly kubeconfig: pulumi.Output<string> | undefined;
  /** SSH private key, ending in a newline, when `secrets.sshPrivateKey` is set. */
  readonly sshPrivateKey: pulumi.Output<string> | undefined;
  /** Passphrase of that key, when `secrets.sshPrivateKeyPassphrase` is set. */
  readonly sshPrivateKeyPassphrase: pulumi.Output<string> | undefined;
  /** What sudo asks for on the hosts, when `secrets.sudoPassword` is set. */
  readonly sudoPassword: pulumi.Output<string> | undefined;
  /** Names of the Hugging Face tokens in `secrets.hfTokens`. */
  readonly hfTokenNames: readonly string[];
  private readonly values: pulumi.Output<Partial<SecretsConfig>>;

  /** @param present which secrets the checked config holds; values come from `config` alone */
  constructor(config: pulumi.Config, present: SecretNames) {
    this.values = config.getSecretObject<Partial<SecretsConfig>>("secrets") ?? pulumi.secret({});
    this.hfTokenNames = present.hfTokens;
    const single = (key: SingleSecret): pulumi.Output<string> | undefined =>
      present.single.includes(key) ? this.pick(key, (values) => values[key]) : undefined;
    this.kubeconfig = single("kubeconfig");
    // OpenSSH refuses a private key without its last newline, which `pulumi config set` cuts off.
    this.sshPrivateKey = single("sshPrivateKey")?.apply((key) => `${key.trimEnd()}\n`);
    this.sshPrivateKeyPassphrase = single("sshPrivateKeyPassphrase");
    this.sudoPassword = single("sudoPassword");
  }

  /**
   * The Hugging Face token `secrets.hfTokens.<name>`.
   *
   * @throws Error when there is none of that name
   */
  hfToken(name: string): pulumi.Output<string> {
    if (!this.hfTokenNames.includes(name)) {
      throw new Error(
        `inference-stack:secrets.hfTokens.${name}: not set. Allowed: ${this.hfTokenNames.join(", ") || "none is set"}. ` +
          `Next: run \`pulumi config set --secret --path 'secrets.hfTokens.${name}'\`.`,
      );
    }
    return this.pick(`hfTokens.${name}`, (values) => values.hfTokens?.[name]);
  }

  private pick(key: string, select: (values: Partial<SecretsConfig>) => string | undefined): pulumi.Output<string> {
    return this.values.apply((values) => {
      const value = select(values);
      if (value === undefined) throw new Error(`inference-stack:secrets.${key} is not set.`);
      return value;
    });
  }
}

/** The secrets that are one value each. */
export type SingleSecret = Exclude<keyof SecretsConfig, "hfTokens">;

/** Which secrets a config holds, by name. */
export interface SecretNames {
  readonly hfTokens: readonly string[];
  readonly single: readonly SingleSecret[];
}
