import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { checkStackConfig } from "../../../../components/config/check";
import { formatProblem } from "../../../../components/config/problem";
import { parseStackFile } from "../../../../components/config/stackFile";
import { labStackFile } from "../../../../cli/lab/config";
import { stackFile } from "../../../../cli/paths";
import { providerKubeconfig } from "../../../../cli/stateKubeconfig";

const text = readFileSync(stackFile("lab"), "utf8");
const hostKey = (letter: string): string => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)}`;
const lab = (number: number) => ({
  hosts: ["h1", "h2", "h3"].map((name, index) => ({
    name,
    address: `10.123.${number}.${11 + index}`,
    hostKey: hostKey(String(index)),
  })),
  network: { subnet: `10.123.${number}.0/24` },
});

describe("labStackFile", () => {
  const configOf = (number: number) => {
    const { values } = parseStackFile(labStackFile(text, lab(number)), "Pulumi.lab.yaml");
    const withKey = { ...values, secrets: { sshPrivateKey: "[secret]" } };
    const { config, problems } = checkStackConfig(withKey, [["secrets"]]);
    assert.deepEqual((problems ?? []).map(formatProblem), []);
    assert.ok(config?.cluster.source === "hosts");
    return { ...config, cluster: config.cluster };
  };

  it("pins the keys of the lab's hosts, and then trusts no other", () => {
    const { cluster } = configOf(0);
    assert.equal(cluster.trustOnFirstUse, false);
    assert.deepEqual(
      cluster.hosts.map((host) => [host.name, host.address, host.hostKey]),
      [
        ["h1", "10.123.0.11", hostKey("0")],
        ["h2", "10.123.0.12", hostKey("1")],
      ],
    );
  });

  it("moves the stack to the network of another lab", () => {
    const { cluster, loadBalancer } = configOf(7);
    assert.deepEqual(
      cluster.hosts.map(({ address }) => address),
      ["10.123.7.11", "10.123.7.12"],
    );
    assert.equal(loadBalancer.subnet, "10.123.7.0/24");
    assert.deepEqual(loadBalancer.addresses, ["10.123.7.240-10.123.7.250"]);
  });

  it("is for the first lab what Pulumi.lab.yaml says already", () => {
    const { values } = parseStackFile(text, "Pulumi.lab.yaml");
    const { loadBalancer } = configOf(0);
    assert.deepEqual(values.loadBalancer, loadBalancer);
  });

  it("says so when the lab runs other hosts", () => {
    const others = { ...lab(0), hosts: [{ name: "a", address: "10.123.0.11", hostKey: "" }] };
    assert.throws(
      () => labStackFile(text, others),
      /the lab has no host h1; it has a\. Next: make lab-down, make lab-up/,
    );
  });
});

describe("providerKubeconfig", () => {
  const state = (kubeconfig: unknown) => ({
    deployment: { resources: [{ type: "x" }, { type: "pulumi:providers:kubernetes", inputs: { kubeconfig } }] },
  });

  it("reads a revealed secret of an exported state", () => {
    const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: '"text"' };
    assert.equal(providerKubeconfig(state(secret)), "text");
    assert.equal(providerKubeconfig(state("plain")), "plain");
  });

  it("finds none where no cluster was made", () => {
    assert.equal(providerKubeconfig({ deployment: { resources: [{ type: "x" }] } }), undefined);
    assert.equal(providerKubeconfig({}), undefined);
    assert.equal(providerKubeconfig(state({ ciphertext: "…" })), undefined);
  });
});
