import assert from "node:assert/strict";
import type { Policies, ResourceValidationArgs } from "@pulumi/policy";
import * as messages from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { UNKNOWN } from "../../policy/demand/field";
import { isPreview } from "../../policy/pack/preview";
import { policies } from "../../policy/policies";
import { RequestedResource } from "../../policy/server/requests";
import { PolicyService } from "../../policy/server/service";
import { MessageReader } from "../../policy/server/wire";
import { bytesOf, config, fill, unknown, type TestResource } from "./harness";
import { kube, podSpec } from "./resources";

const secret = (value: unknown): object => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

function requestFor(resource: TestResource): Buffer {
  return bytesOf(fill(new messages.AnalyzeRequest(), resource, resource.props));
}

function decoded(props: object): Record<string, unknown> {
  const request = requestFor({ type: "example:index:Thing", props });
  return new RequestedResource(new MessageReader(request)).props;
}

function serviceOf(pack: Policies): PolicyService {
  return new PolicyService({ name: "pack", version: "1.2.3", policies: pack });
}

/** Levels by policy, as the engine sends them. */
function levels(
  entries: Record<string, messages.EnforcementLevel>,
  properties: object = {},
): messages.ConfigureAnalyzerRequest {
  const request = new messages.ConfigureAnalyzerRequest();
  for (const [name, level] of Object.entries(entries)) {
    const entry = new messages.PolicyConfig();
    entry.setEnforcementlevel(level);
    entry.setProperties(Struct.fromJavaScript(properties as Record<string, JavaScriptValue>));
    request.getPolicyconfigMap().set(name, entry);
  }
  return request;
}

function policy(validateResource: (args: ResourceValidationArgs, report: (message: string) => void) => void): Policies {
  return [
    { name: "one", description: "It must be so.", enforcementLevel: "mandatory", severity: "high", validateResource },
  ];
}

describe("the messages of the engine", () => {
  it("are decoded as the protobuf library decodes them", () => {
    const props = {
      texts: ["", "plain", "größer ≥ 🚀", "x".repeat(300)],
      numbers: [0, -0.5, 1, 1e300, Number.MAX_SAFE_INTEGER, -1],
      booleans: [true, false],
      nothing: null,
      nested: { a: { b: [{ c: [] }, {}] } },
      "": "empty key",
      constructor: "a key of every object",
    };
    const request = requestFor({ type: "example:index:Thing", props });
    const library = messages.AnalyzeRequest.deserializeBinary(request).getProperties()?.toJavaScript();
    assert.deepEqual(decoded(props), library);
    assert.deepEqual(decoded(props), props);
  });

  it("keep a key named like the prototype as a key", () => {
    // Written by hand, as the protobuf library drops such a key: properties, with one entry that holds `true`.
    const entry = Buffer.concat([Buffer.from([0x0a, 9]), Buffer.from("__proto__"), Buffer.from([0x12, 2, 0x20, 1])]);
    const request = Buffer.concat([Buffer.from([0x12, entry.length + 2, 0x0a, entry.length]), entry]);
    const { props } = new RequestedResource(new MessageReader(request));
    assert.deepEqual(Object.keys(props), ["__proto__"]);
    assert.equal(Object.getPrototypeOf(props), Object.prototype);
  });

  it("show unknown values of every type as such, wherever they stand, and secrets by their value", () => {
    const types = [
      "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
      "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
      "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
      "030794c1-ac77-496b-92df-f27374a8bd58",
      "e48ece36-62e2-4504-bad9-02848725956a",
      "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
      unknown,
    ];
    assert.deepEqual(decoded({ types, deep: [{ a: secret({ b: unknown }) }], plain: secret("text") }), {
      types: types.map(() => UNKNOWN),
      deep: [{ a: { b: UNKNOWN } }],
      plain: "text",
    });
  });

  it("carry options, provider, parent and dependencies", () => {
    const resource = { type: "a:b:C", name: "it", props: {}, protect: true, ignoreChanges: ["x", "y"] };
    const message = fill(new messages.AnalyzerResource(), { ...resource, providerProps: { namespace: "chat" } }, {});
    message.setParent("urn:parent");
    message.setDependenciesList(["urn:one", "urn:two"]);
    message.getPropertydependenciesMap().set("x", new messages.AnalyzerPropertyDependencies());
    const read = new RequestedResource(new MessageReader(bytesOf(message)));
    assert.deepEqual([read.opts.protect, read.opts.ignoreChanges], [true, ["x", "y"]]);
    assert.deepEqual(read.provider?.props, { namespace: "chat" });
    assert.deepEqual([read.parentUrn, read.dependencyUrns], ["urn:parent", ["urn:one", "urn:two"]]);
  });

  it("that end too early are an error", () => {
    const request = requestFor({ type: "a:b:C", props: { key: "value" } });
    assert.throws(() => new RequestedResource(new MessageReader(request.subarray(0, 10))).props, /middle of a field/);
  });
});

describe("the service of the pack", () => {
  it("lists every policy with level, severity and schema", () => {
    const info = serviceOf(policies()).getAnalyzerInfo();
    assert.deepEqual([info.getName(), info.getVersion(), info.getSupportsconfig()], ["pack", "1.2.3", true]);
    const listed = info.getPoliciesList();
    assert.deepEqual(
      listed.map((one) => one.getName()),
      policies().map(({ name }) => name),
    );
    const quota = listed.find((one) => one.getName() === "gpu-quota-per-stack");
    assert.equal(quota?.getEnforcementlevel(), messages.EnforcementLevel.MANDATORY);
    assert.equal(quota?.getSeverity(), messages.PolicySeverity.POLICY_SEVERITY_CRITICAL);
    assert.deepEqual(quota?.getConfigschema()?.getRequiredList(), ["quota"]);
  });

  it("learns from the engine whether it only previews", () => {
    const service = serviceOf([]);
    for (const dryRun of [true, false]) {
      const request = new messages.AnalyzerStackConfigureRequest();
      request.setDryRun(dryRun);
      service.configureStack(request);
      assert.equal(isPreview(), dryRun);
    }
  });

  it("reports at the level that the engine sets, and asks no disabled policy", async () => {
    const service = serviceOf(policy((_, report) => report("it is not")));
    const said = async (level: messages.EnforcementLevel): Promise<[number, string][]> => {
      service.configure(levels({ one: level }));
      const reply = await service.analyze(requestFor({ type: "a:b:C", props: {} }));
      return reply.getDiagnosticsList().map((one) => [one.getEnforcementlevel(), one.getMessage()]);
    };
    const { ADVISORY, MANDATORY, REMEDIATE, DISABLED } = messages.EnforcementLevel;
    assert.deepEqual(await said(MANDATORY), [[MANDATORY, "It must be so.\nit is not"]]);
    assert.deepEqual(await said(ADVISORY), [[ADVISORY, "It must be so.\nit is not"]]);
    assert.deepEqual(await said(REMEDIATE), [[MANDATORY, "It must be so.\nit is not"]]);
    assert.deepEqual(await said(DISABLED), []);
  });

  it("gives each policy its own config", async () => {
    const seen: unknown[] = [];
    const service = serviceOf(policy((args) => seen.push(args.getConfig())));
    service.configure(levels({ one: messages.EnforcementLevel.MANDATORY }, { quota: 8 }));
    await service.analyze(requestFor({ type: "a:b:C", props: {} }));
    assert.deepEqual(seen, [{ quota: 8 }]);
  });

  it("stops the operation when a policy fails, rather than let everything pass", async () => {
    const service = serviceOf(
      policy(() => {
        throw new TypeError("undefined is not a function");
      }),
    );
    await assert.rejects(service.analyze(requestFor({ type: "a:b:C", props: {} })), /policy one failed: TypeError/);
    const later = policy(() => undefined).map((one) => ({
      ...one,
      validateResource: () => Promise.reject(new Error("later")),
    }));
    const asynchronous = serviceOf(later);
    await assert.rejects(asynchronous.analyze(requestFor({ type: "a:b:C", props: {} })), /policy one failed: .*later/);
  });
});

describe("corrections", () => {
  const service = serviceOf(policies());
  const mandatory: Record<string, messages.EnforcementLevel> = {};
  for (const name of Object.keys(config)) mandatory[name] = messages.EnforcementLevel.MANDATORY;
  const corrected = async (resource: TestResource, level = messages.EnforcementLevel.REMEDIATE): Promise<unknown[]> => {
    service.configure(levels({ ...mandatory, "service-links": level }));
    const reply = await service.remediate(requestFor(resource));
    return reply.getRemediationsList().map((one) => one.getProperties()?.toJavaScript());
  };
  const pod = (more: object): TestResource =>
    kube("v1", "Pod", { spec: podSpec(1, { enableServiceLinks: true, ...more }) });

  it("hand everything else back as it came: secrets as secrets, unknown values as unknown", async () => {
    const env = [{ name: "TOKEN", value: secret("hf") }, { name: "LATER", value: unknown }, secret({ name: "A" })];
    const resource = pod({
      volumes: [{ name: unknown }],
      containers: [{ resources: { limits: { "amd.com/gpu": 1 } }, env }],
    });
    const [props] = await corrected(resource);
    assert.deepEqual(props, {
      ...resource.props,
      spec: { ...(resource.props as { spec: object }).spec, enableServiceLinks: false },
    });
  });

  it("reach into a secret, which stays one", async () => {
    const resource = pod({});
    const { spec, ...rest } = resource.props as { spec: object };
    const [props] = await corrected({ ...resource, props: { ...rest, spec: secret(spec) } });
    assert.deepEqual(props, { ...rest, spec: secret({ ...spec, enableServiceLinks: false }) });
  });

  it("are made only where something is wrong, and where the config wants them", async () => {
    assert.deepEqual(await corrected(pod({ enableServiceLinks: false })), []);
    assert.deepEqual(await corrected({ type: "kubernetes:core/v1:ConfigMap", props: { data: { a: "b" } } }), []);
    assert.deepEqual(await corrected(pod({}), messages.EnforcementLevel.MANDATORY), []);
  });

  it("refuse a policy that hands back a copy, whose secrets would be plain", async () => {
    const copying = serviceOf([
      {
        name: "copies",
        description: "It copies.",
        enforcementLevel: "remediate",
        remediateResource: ({ props }) => ({ ...props }),
      },
    ]);
    await assert.rejects(copying.remediate(requestFor(pod({}))), /policy copies must change properties in place/);
  });
});
