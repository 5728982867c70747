import type { Field } from "./demand/field";
import { objectPolicy } from "./pack/rule";
import { numberOr, servingContainers, servingPods } from "./pack/serving";

interface Config {
  readonly drainFlags?: readonly string[];
}

/** Kubernetes' own default, in seconds. */
const defaultGrace = 30;

/**
 * Kubernetes counts the preStop hook in the grace period: what is left of it must hold the server's own drain, or
 * requests are cut off in mid-answer.
 */
export const gracefulTermination = objectPolicy<Config>({
  name: "graceful-termination",
  description: "The grace period of a serving pod must be longer than its preStop pause and its drain together.",
  severity: "medium",
  properties: {
    drainFlags: {
      type: "array",
      description: "Arguments of the server that hold its drain in seconds; --shutdown-timeout (vLLM) by default.",
      items: { type: "string", pattern: "^--" },
    },
  },
  check: (object, { drainFlags = ["--shutdown-timeout"] }) =>
    servingPods(object).flatMap((pod) => {
      const grace = numberOr(pod.spec.get("terminationGracePeriodSeconds"), defaultGrace);
      return servingContainers(pod).flatMap((container) => {
        const [pause, drain] = [preStopSeconds(container), drainSeconds(container, drainFlags)];
        if (grace === undefined || grace > pause + drain) return [];
        return [
          `${pod.spec.path}.terminationGracePeriodSeconds is ${grace}, and ${container.path} pauses ${pause} s and ` +
            `drains ${drain} s. Raise it above ${pause + drain}.`,
        ];
      });
    }),
});

function preStopSeconds(container: Field): number {
  const hook = container.get("lifecycle", "preStop");
  const sleep = hook.get("sleep", "seconds").value;
  if (typeof sleep === "number") return sleep;
  const command = hook
    .get("exec", "command")
    .items()
    .map((part) => part.text() ?? "")
    .join(" ");
  return Number(/\bsleep\s+(\d+)/.exec(command)?.[1] ?? 0);
}

function drainSeconds(container: Field, flags: readonly string[]): number {
  const words = ["command", "args"].flatMap((key) =>
    container
      .get(key)
      .items()
      .map((item) => item.text() ?? ""),
  );
  const values = words.flatMap((word, index) => {
    const flag = flags.find((name) => word === name || word.startsWith(`${name}=`));
    if (flag === undefined) return [];
    return [Number(word === flag ? words[index + 1] : word.slice(flag.length + 1))];
  });
  return Math.max(0, ...values.filter(Number.isFinite));
}
