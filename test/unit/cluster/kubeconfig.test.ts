import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { flattenKubeconfig, KubeconfigError, readKubeconfig } from "../../../components/cluster/kubeconfig";

const kubeconfig = {
  apiVersion: "v1",
  kind: "Config",
  "current-context": "prod",
  clusters: [
    { name: "c1", cluster: { server: "https://10.0.0.1:6443", "certificate-authority-data": "Y2E=" } },
    { name: "c2", cluster: { server: "https://10.0.0.2:6443", "certificate-authority": "ca.crt" } },
  ],
  users: [
    { name: "u1", user: { token: "token-of-prod" } },
    { name: "u2", user: { "client-certificate": "u2.crt", "client-key": "keys/u2.key" } },
  ],
  contexts: [
    { name: "prod", context: { cluster: "c1", user: "u1", namespace: "models" } },
    { name: "staging", context: { cluster: "c2", user: "u2" } },
    { name: "broken", context: { cluster: "gone", user: "u1" } },
  ],
};
const text = stringify(kubeconfig);
const key = "cluster.path";

describe("flattenKubeconfig", () => {
  it("keeps the current context alone, with its cluster and user", () => {
    const flat = flattenKubeconfig(text, { key });
    assert.deepEqual([flat.context, flat.server], ["prod", "https://10.0.0.1:6443"]);
    assert.deepEqual(JSON.parse(flat.contents), {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "prod",
      clusters: [kubeconfig.clusters[0]],
      contexts: [kubeconfig.contexts[0]],
      users: [kubeconfig.users[0]],
    });
  });

  it("gives the same text for the same kubeconfig, however it is written", () => {
    const asJson = JSON.stringify({ ...kubeconfig, preferences: {} });
    assert.equal(flattenKubeconfig(asJson, { key }).contents, flattenKubeconfig(text, { key }).contents);
  });

  it("refuses a context that is not there, and names those that are", () => {
    assert.throws(
      () => flattenKubeconfig(text, { key, context: "test" }),
      /^KubeconfigError|cluster\.path: there is no context test; set cluster\.context to one of: prod, staging, broken/,
    );
  });

  it("refuses a kubeconfig without a current context when none is chosen", () => {
    const without = stringify({ ...kubeconfig, "current-context": "" });
    assert.throws(
      () => flattenKubeconfig(without, { key }),
      /no current context is set; set cluster\.context to one of/,
    );
    assert.equal(flattenKubeconfig(without, { key, context: "prod" }).context, "prod");
  });

  it("refuses a context whose cluster is missing", () => {
    assert.throws(() => flattenKubeconfig(text, { key, context: "broken" }), /context broken names the cluster gone/);
  });

  it("refuses what is no kubeconfig, without repeating what may be a credential", () => {
    for (const wrong of ["hush: [hush", "hush", "", "hush: 1"]) {
      assert.throws(
        () => flattenKubeconfig(wrong, { key }),
        (error: Error) =>
          error instanceof KubeconfigError && error.message.startsWith(key) && !error.message.includes("hush"),
      );
    }
  });

  it("refuses relative paths where there is no directory to start from", () => {
    assert.throws(
      () => flattenKubeconfig(text, { key: "secrets.kubeconfig", context: "staging" }),
      /secrets\.kubeconfig: certificate-authority is the relative path ca\.crt; .*--flatten/,
    );
  });
});

describe("readKubeconfig", () => {
  let directory: string;
  let file: string;

  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "kubeconfig-"));
    file = path.join(directory, "config");
    fs.writeFileSync(file, text);
    fs.writeFileSync(path.join(directory, "ca.crt"), "the CA");
    fs.writeFileSync(path.join(directory, "u2.crt"), "the certificate");
    fs.mkdirSync(path.join(directory, "keys"));
    fs.writeFileSync(path.join(directory, "keys/u2.key"), "the key");
  });

  after(() => {
    fs.rmSync(directory, { recursive: true });
  });

  it("puts the files that the kubeconfig names inside", () => {
    const { contents } = readKubeconfig(file, key, "staging");
    const base64 = (value: string) => Buffer.from(value).toString("base64");
    const { clusters, users } = JSON.parse(contents) as { clusters: unknown; users: unknown };
    assert.deepEqual(clusters, [
      { name: "c2", cluster: { server: "https://10.0.0.2:6443", "certificate-authority-data": base64("the CA") } },
    ]);
    assert.deepEqual(users, [
      {
        name: "u2",
        user: {
          "client-certificate-data": base64("the certificate"),
          "client-key-data": base64("the key"),
        },
      },
    ]);
  });

  it("finds token files and credential plugins from any directory", () => {
    const user = { tokenFile: "token", exec: { command: "./bin/login", args: ["-x"] } };
    const other = path.join(directory, "other");
    fs.writeFileSync(other, stringify({ ...kubeconfig, users: [{ name: "u1", user }] }));
    const { users } = JSON.parse(readKubeconfig(other, key).contents) as { users: { user: unknown }[] };
    assert.deepEqual(users[0]?.user, {
      tokenFile: path.join(directory, "token"),
      exec: { command: path.join(directory, "bin/login"), args: ["-x"] },
    });
  });

  it("says which file cannot be read", () => {
    assert.throws(
      () => readKubeconfig("nowhere/config", key),
      /cluster\.path: the kubeconfig nowhere\/config does not exist/,
    );
    assert.throws(() => readKubeconfig(directory, key), /cluster\.path: the kubeconfig .*EISDIR/);
    fs.rmSync(path.join(directory, "ca.crt"));
    assert.throws(() => readKubeconfig(file, key, "staging"), /certificate-authority cannot be read: .*ca\.crt/);
  });
});
