import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node";
import { byUse } from "../../../../cli/simulate/failures";
import { bindings, misplaced, movable, placementOf, withPlenty } from "../../../../cli/simulate/placement";
import { parseNodeList } from "../../../../cli/simulate/nodeList";
import { listedNode, migH100, nodeList } from "./nodeFixtures";

function pod(name: string, owner: string | undefined, nodeName?: string, kind = "ReplicaSet", gpus = 0): V1Pod {
  const reference = { apiVersion: "apps/v1", kind, name: owner ?? "", uid: owner ?? "", controller: true };
  const limits: Record<string, string> = gpus > 0 ? { "amd.com/gpu": String(gpus) } : {};
  return {
    metadata: { name, uid: name, ownerReferences: owner === undefined ? [] : [reference] },
    spec: { nodeName, containers: [{ name: "main", resources: { limits } }] },
  };
}

describe("withPlenty", () => {
  it("gives room for everything that a node has, and takes away what keeps pods off", () => {
    const taints = [{ key: "spot", effect: "NoSchedule" }];
    const listed = listedNode("n", 1, { ...migH100, taints, unschedulable: true });
    const [node] = withPlenty(parseNodeList(nodeList(listed), "nodes.json").nodes);
    for (const resource of ["cpu", "pods", "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"]) {
      assert.ok(Number(node?.allocatable[resource]) >= 1_000_000, resource);
    }
    assert.equal(node?.allocatable["amd.com/gpu"], undefined);
    assert.equal(node?.labels["nvidia.com/gpu.present"], "true");
    assert.deepEqual([node?.taints, node?.unschedulable], [[], false]);
  });
});

describe("bringing pods back to where they were", () => {
  const before = placementOf({
    pods: [pod("a1", "a", "n1"), pod("a2", "a", "n2"), pod("b1", "b", undefined), pod("d1", "d", "n1", "DaemonSet")],
  });

  it("leaves pods of DaemonSets and pods without owner where they are", () => {
    const pods = [
      pod("d1", "d", "n1", "DaemonSet"),
      pod("alone", undefined, "n1"),
      pod("s-0", "s", "n1", "StatefulSet"),
    ];
    assert.deepEqual(
      movable(pods).map(({ metadata }) => metadata?.name),
      ["s-0"],
    );
  });

  it("finds nothing to do when nothing moved, whatever the pods are called now", () => {
    const pods = [pod("a8", "a", "n2"), pod("a9", "a", "n1"), pod("b7", "b", undefined)];
    assert.deepEqual(misplaced(before, pods), []);
    assert.deepEqual(bindings(before, pods), []);
  });

  it("finds the pod that went elsewhere, one that took a second place, and one that waits", () => {
    const names = (pods: V1Pod[]) => misplaced(before, pods).map(({ metadata }) => metadata?.name);
    assert.deepEqual(names([pod("a1", "a", "n1"), pod("a2", "a", "n3"), pod("b1", "b")]), ["a2"]);
    assert.deepEqual(names([pod("a1", "a", "n1"), pod("a2", "a", "n1"), pod("b1", "b")]), ["a2"]);
    assert.deepEqual(names([pod("a1", "a", "n1"), pod("a2", "a"), pod("b1", "b")]), ["a2"]);
  });

  it("binds waiting pods to the places that are empty, and leaves those waiting that waited before", () => {
    const pods = [pod("a1", "a", "n2"), pod("a3", "a"), pod("b1", "b")];
    assert.deepEqual(
      bindings(before, pods).map(({ pod: one, node }) => [one.metadata?.name, node]),
      [["a3", "n1"]],
    );
  });
});

describe("byUse", () => {
  it("puts nodes with most GPUs in use first, and leaves out those that no model is on or could be on", () => {
    const node = (name: string, spec = {}) => ({ metadata: { name }, spec });
    const tainted = { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] };
    const nodes = [
      node("idle"),
      node("cp", tainted),
      node("busy"),
      node("half"),
      node("shut", { unschedulable: true }),
      node("cp-used", tainted),
    ];
    const pods = [
      pod("1", "a", "busy", "ReplicaSet", 8),
      pod("2", "a", "half", "ReplicaSet", 4),
      pod("3", "c", "cp-used"),
      pod("4", "d", "cp", "DaemonSet"),
    ];
    assert.deepEqual(byUse({ nodes, pods }), ["busy", "half", "cp-used", "idle"]);
  });
});
