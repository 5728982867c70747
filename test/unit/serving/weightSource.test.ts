import assert from "node:assert/strict";
import { parseCommandLine } from "../../../sim/vllm/commandLine";
import { engineArguments } from "../../../components/serving/engineArguments";
import { isSelfContained, sourceArguments, sourceParts, streamBytes } from "../../../components/serving/weightSource";
import { modelConfig } from "./fixtures";

const reference = "registry.example.com/weights/qwen3-8b@sha256:" + "0".repeat(64);
const fromImage = modelConfig({ weights: { type: "image", reference, path: "model", pullSecret: "registry" } });
const fromBucket = modelConfig({
  weights: {
    type: "s3",
    url: "s3://models/qwen3-8b",
    endpoint: "http://minio.storage:9000",
    region: "eu-1",
    secretName: "bucket",
  },
});

describe("weights from an image", () => {
  it("are served from a mount that nobody writes to, by the model's own name", () => {
    assert.deepEqual(sourceArguments(fromImage), ["/weights/model", "--served-model-name", "Qwen/Qwen3-8B"]);
    const { volumes, volumeMounts, imagePullSecrets, env } = sourceParts(fromImage);
    assert.deepEqual(volumes, [{ name: "weights", image: { reference, pullPolicy: "IfNotPresent" } }]);
    // containerd 2.1 would ignore a subPath.
    assert.deepEqual(volumeMounts, [{ name: "weights", mountPath: "/weights", readOnly: true }]);
    assert.deepEqual([imagePullSecrets, env], [[{ name: "registry" }], []]);
  });

  it("need no network, unless an adapter or a draft model comes from Hugging Face", () => {
    const { weights } = fromImage;
    assert.ok(isSelfContained(fromImage));
    assert.ok(isSelfContained(modelConfig({ weights, loras: [{ name: "sql", path: "/models/sql" }] })));
    assert.ok(!isSelfContained(modelConfig({ weights, loras: [{ name: "sql", id: "org/sql" }] })));
    const speculative = { method: "eagle3", model: "org/draft", numSpeculativeTokens: 3 } as const;
    assert.ok(!isSelfContained(modelConfig({ weights, speculative })));
    assert.ok(!isSelfContained(modelConfig()));
  });
});

describe("weights from a bucket", () => {
  it("are streamed, by the model's own name", () => {
    assert.deepEqual(sourceArguments(fromBucket), [
      "s3://models/qwen3-8b",
      ...["--served-model-name", "Qwen/Qwen3-8B", "--load-format", "runai_streamer"],
    ]);
    assert.deepEqual(parseCommandLine(["serve", ...engineArguments(fromBucket, 120)]).servedModelNames, [
      "Qwen/Qwen3-8B",
    ]);
  });

  it("get credentials from a Secret, and settings of stores other than AWS only with an endpoint", () => {
    const key = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: "bucket", key: name } } });
    assert.deepEqual(sourceParts(fromBucket).env, [
      key("AWS_ACCESS_KEY_ID"),
      key("AWS_SECRET_ACCESS_KEY"),
      { name: "AWS_REGION", value: "eu-1" },
      { name: "AWS_ENDPOINT_URL", value: "http://minio.storage:9000" },
      { name: "RUNAI_STREAMER_S3_ENDPOINT", value: "http://minio.storage:9000" },
      { name: "RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING", value: "0" },
      { name: "AWS_EC2_METADATA_DISABLED", value: "true" },
      { name: "RUNAI_STREAMER_MEMORY_LIMIT", value: `${streamBytes}` },
    ]);
    assert.deepEqual(sourceParts(modelConfig({ weights: { type: "s3", url: "s3://models/a" } })).env, [
      { name: "RUNAI_STREAMER_MEMORY_LIMIT", value: "5000000000" },
    ]);
  });

  it("are never read offline: vLLM would look for the address in its cache", () => {
    assert.ok(!isSelfContained(fromBucket));
  });
});

describe("weights from Hugging Face", () => {
  it("are named by id and revision", () => {
    assert.deepEqual(sourceArguments(modelConfig({ revision: "v1" })), ["Qwen/Qwen3-8B", "--revision", "v1"]);
    assert.deepEqual(sourceParts(modelConfig()), { volumes: [], volumeMounts: [], env: [] });
  });
});
