import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import { configurationDocument } from "../../../components/config/configurationDocument";
import { stackFileSchema, stackFileSchemaText } from "../../../components/config/jsonSchema";
import { stackSchema } from "../../../components/config/schema/stack";

const root = path.join(__dirname, "..", "..", "..");
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");

describe("generated files", () => {
  it("components/config/stack.schema.json is fresh; npm run schema writes it", () => {
    assert.equal(read("components/config/stack.schema.json"), stackFileSchemaText());
  });
  it("docs/configuration.md is fresh; npm run schema writes it", () => {
    assert.equal(read("docs/configuration.md"), configurationDocument());
  });
});

describe("Pulumi.yaml", () => {
  const project = parse(read("Pulumi.yaml")) as { name: string; config: Record<string, { description?: string }> };

  it("declares every key of the schema with its meaning, and no other", () => {
    const keys = Object.keys(stackSchema.shape).map((key) => `inference-stack:${key}`);
    assert.deepEqual(Object.keys(project.config).sort(), keys.sort());
    for (const [key, { description }] of Object.entries(project.config)) assert.ok(description, key);
  });
});

describe("the schema for editors", () => {
  const validate = new Ajv({ validateFormats: false, allErrors: true }).compile(stackFileSchema());

  for (const file of ["Pulumi.dev.yaml", "Pulumi.lab.yaml", "Pulumi.prod.yaml"]) {
    it(`accepts ${file}`, () => {
      assert.ok(validate(parse(read(file))), JSON.stringify(validate.errors));
    });
  }

  const dev = (): { config: Record<string, unknown> } & Record<string, unknown> =>
    parse(read("Pulumi.dev.yaml")) as { config: Record<string, unknown> };

  it("accepts what Pulumi writes beside the config, encrypted secrets and keys of other namespaces", () => {
    const file = { ...dev(), encryptionsalt: "v1:abc", secretsprovider: "passphrase", environment: ["shared"] };
    file.config["kubernetes:context"] = "kind";
    file.config["inference-stack:secrets"] = { hfTokens: { main: { secure: "v1:abc" } } };
    assert.ok(validate(file), JSON.stringify(validate.errors));
  });

  const broken: readonly (readonly [string, string, unknown])[] = [
    ["an unknown key", "inference-stack:modles", []],
    ["a wrong type", "inference-stack:models", [{ name: "a", model: "a/b", replicas: "2" }]],
    ["an unknown model key", "inference-stack:models", [{ name: "a", model: "a/b", replica: 2 }]],
    ["a secret in plain text", "inference-stack:secrets", { sshPrivateKey: "plain" }],
    ["a wrong source", "inference-stack:cluster", { source: "cloud" }],
  ];
  for (const [mistake, key, value] of broken) {
    it(`refuses ${mistake}`, () => {
      const file = dev();
      file.config[key] = value;
      assert.ok(!validate(file));
    });
  }
});
