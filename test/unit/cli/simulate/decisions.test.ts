import assert from "node:assert/strict";
import type { V1Pod, V1ReplicaSet } from "@kubernetes/client-node";
import { isDecided, pendingPods } from "../../../../cli/simulate/decisions";
import { hasPending } from "../../../../cli/simulate/result";

const words = "0/2 nodes are available: 2 Insufficient amd.com/gpu.";
const owner = (uid: string, kind = "ReplicaSet") => [{ apiVersion: "apps/v1", kind, name: uid, uid, controller: true }];

const set = (uid: string, replicas: number, failure?: string): V1ReplicaSet => ({
  metadata: { uid, name: uid, namespace: "chat", ownerReferences: owner(`${uid}-deployment`, "Deployment") },
  spec: { replicas, selector: {} },
  status: {
    replicas: 0,
    conditions: failure === undefined ? [] : [{ type: "ReplicaFailure", status: "True", message: failure }],
  },
});

function pod(uid: string, ownedBy: string, status: V1Pod["status"] = {}, nodeName?: string): V1Pod {
  const metadata = { uid, name: uid, namespace: "chat", ownerReferences: owner(ownedBy) };
  return { metadata, spec: { containers: [], nodeName }, status };
}

const refused = { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: words }] };

describe("isDecided", () => {
  const decided = (pods: V1Pod[], replicaSets: V1ReplicaSet[] = []) => isDecided({ nodes: [], pods, replicaSets });

  it("is so for pods on a node and pods that the scheduler refused", () => {
    assert.ok(decided([pod("1", "a", {}, "n"), pod("2", "a", refused)], [set("a", 2)]));
  });

  it("is not so for a pod that the scheduler has not looked at, or that waits for those that it displaces", () => {
    assert.ok(!decided([pod("1", "a")]));
    assert.ok(!decided([pod("1", "a", { ...refused, nominatedNodeName: "n" })]));
  });

  it("is not so while a ReplicaSet still has pods to make, unless it may not make them", () => {
    assert.ok(!decided([pod("1", "a", {}, "n")], [set("a", 2)]));
    assert.ok(decided([pod("1", "a", {}, "n")], [set("a", 2, "exceeded quota")]));
  });
});

describe("pendingPods", () => {
  it("gathers pods of one Deployment with one reason, in the scheduler's words", () => {
    const pods = [pod("1", "a", {}, "n"), pod("2", "a", refused), pod("3", "a", refused)];
    assert.deepEqual(pendingPods({ nodes: [], pods, replicaSets: [set("a", 3)] }), [
      { namespace: "chat", workload: "a-deployment", count: 2, reason: words },
    ]);
  });

  it("counts replicas that the API server refuses", () => {
    const pods = [pod("1", "a", {}, "n")];
    assert.deepEqual(pendingPods({ nodes: [], pods, replicaSets: [set("a", 3, "exceeded quota: gpus")] }), [
      { namespace: "chat", workload: "a-deployment", count: 2, reason: "exceeded quota: gpus" },
    ]);
  });
});

describe("hasPending", () => {
  const failures = (pods: number) => ({
    nodes: 1,
    combinations: 2,
    tried: 2,
    harmless: 1,
    worst: { nodes: ["n"], pending: [], pods, gone: [] },
  });

  it("is so for a pod that waits now or after a failure", () => {
    const pending = [{ namespace: "chat", workload: "a", count: 1, reason: words }];
    assert.ok(!hasPending({ pending: [] }));
    assert.ok(!hasPending({ pending: [], failures: failures(0) }));
    assert.ok(hasPending({ pending }));
    assert.ok(hasPending({ pending: [], failures: failures(1) }));
  });
});
