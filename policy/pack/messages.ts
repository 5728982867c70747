import type { Problem } from "../demand/demand";
import type { ObjectDemand } from "../gpuDemand";
import type { Ledger, Total } from "./ledger";

/** Objects that a message about a quota names one by one; the largest come first. */
const namedObjects = 20;

/** A number of GPUs in words. */
export function gpuCount(count: number): string {
  return count === 1 ? "1 GPU" : `${count} GPUs`;
}

/** `Deployment/chat/llama: 24 GPUs (24 amd.com/gpu)`, a line an object. */
export function listDemands(ledger: Ledger, total: Total): string {
  const lines = total.objects
    .map((object) => ({ gpus: ledger.whole(object.gpus), object }))
    .sort((a, b) => b.gpus - a.gpus || a.object.label.localeCompare(b.object.label))
    .map(({ gpus, object }) => `  ${object.label}: ${gpus} (${detail(object)})`);
  const rest = lines.length - namedObjects;
  return [...lines.slice(0, namedObjects), ...(rest > 0 ? [`  and ${rest} more`] : [])].join("\n");
}

function detail(object: ObjectDemand): string {
  return [...object.gpus].map(([name, count]) => `${count} ${name}`).join(", ");
}

/** What to do about a problem, for the author of the program. */
export function problemMessage(object: ObjectDemand, found: Problem): string {
  const place = found.path === "" ? object.label : `${object.label}, ${found.path}`;
  return `${place}: ${found.message}. ${nextStep(object, found)}`;
}

function nextStep(object: ObjectDemand, found: Problem): string {
  const ceiling = `gpu-demand.ceilings["${object.label}"]`;
  switch (found.kind) {
    case "malformed":
      return "Correct it: no ceiling in the policy config allows it.";
    case "excess":
      return `Ask for less, or raise ${ceiling} in the policy config.`;
    case "unknown":
      return object.label.includes("?")
        ? "Give it a value that is known at preview."
        : `Give it a value that is known at preview, or declare its GPUs at most as ${ceiling} in the policy config.`;
    case "unbounded":
      return `Limit it, or declare its GPUs at most as ${ceiling} in the policy config.`;
    case "hidden":
      if (object.label.startsWith("Release/")) {
        return "List the chart, its repository and its GPUs in gpu-demand.releases of the policy config.";
      }
      return object.namespace === undefined
        ? "Make its objects known at preview: use plain values, or apply it in an update of its own."
        : `Put it into the stack, or declare its GPUs at most as ${ceiling} in the policy config.`;
  }
}
