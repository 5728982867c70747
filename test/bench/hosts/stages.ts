import { stages, type ResourceSpan, type Span, type Stage, type StageSpan } from "./measurement";

/** Which resources a stage of the stack consists of, by their URN. */
const resourcesOf: Partial<Record<Stage, RegExp>> = {
  preflight: /hosts:Preflight\$/,
  prerequisites: /hosts:Prerequisites\$/,
  "control plane": /hosts:ControlPlane\$/,
  // A worker's key is made while the control plane is.
  worker: /hosts:Workers\$.*(?<!-enrol)$/,
  "pod network": /addons:Cni\$/,
  "add-ons": /addons:Addons\$(?!.*addons:Cni\$)/,
  model: /serving:VllmModel\$/,
  validation: /hosts:Validation\$/,
};

/** Stages of `pulumi up`; they overlap where the engine works on several at a time. */
export function stagesOfResources(spans: readonly ResourceSpan[]): StageSpan[] {
  const found = stages.flatMap((stage) => {
    const pattern = resourcesOf[stage];
    const members = spans.filter(({ urn }) => pattern?.test(urn));
    return members.length === 0 ? [] : [{ stage, ...hull(members) }];
  });
  const first = found[0];
  return first === undefined ? [] : [{ stage: "engine and program start", from: 0, to: first.from }, ...found];
}

function hull(spans: readonly Span[]): Span {
  return { from: Math.min(...spans.map(({ from }) => from)), to: Math.max(...spans.map(({ to }) => to)) };
}

/**
 * Stages of the script, which prints `@stage begin <seconds since 1970> <name>`, and the same with `end`.
 *
 * @param startedAt seconds since 1970
 * @throws when it names a stage that is not known
 */
export function stagesOfMarks(output: string, startedAt: number): StageSpan[] {
  const begun = new Map<string, number>();
  const found: StageSpan[] = [];
  for (const [, mark, time, name = ""] of output.matchAll(/^@stage (begin|end) ([\d.]+) (.+)$/gm)) {
    const at = Number(time) - startedAt;
    if (mark === "begin") begun.set(name, at);
    else found.push({ stage: stageOf(name), from: begun.get(name) ?? at, to: at });
  }
  return found;
}

function stageOf(name: string): Stage {
  const stage = stages.find((each) => each === name);
  if (stage === undefined) {
    throw new Error(`plainBootstrap.sh marks the stage ${name}; known are: ${stages.join(", ")}`);
  }
  return stage;
}
