import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import { knownAfter } from "../../components/knownAfter";
import { recordProgram, valueOf } from "./mocks";

describe("knownAfter", () => {
  for (const preview of [true, false]) {
    it(`is known ${preview ? "at preview" : "in an update"} and waits for its resources`, async () => {
      const program = await recordProgram(
        () => {
          const first = new k8s.core.v1.Namespace("first", { metadata: { name: "chat" } });
          const name = knownAfter("chat", first);
          new k8s.core.v1.ConfigMap("second", { metadata: { namespace: name } });
          return name;
        },
        { preview },
      );
      assert.equal(await valueOf(program.result), "chat");
      const second = program.one("kubernetes:core/v1:ConfigMap");
      assert.deepEqual(second.inputs.metadata, { namespace: "chat" });
      assert.deepEqual(program.names(second.dependencies), ["first"]);
    });
  }
});
