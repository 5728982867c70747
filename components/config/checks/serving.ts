import { parseQuantity } from "../../capacity/quantity";
import type { Path } from "../paths";
import type { ModelConfig } from "../schema/model";
import type { Check, CheckContext, CheckProblem } from "./context";

type ModelCheck = (context: CheckContext, model: ModelConfig, at: Path) => CheckProblem[];

/** Without network the server finds a moving branch only as it was when it was downloaded: replicas would differ. */
const pinnedRevision: ModelCheck = ({ problem }, { predownload, revision, weights }, at) => {
  // Weights from elsewhere are downloaded by nobody, which has a check of its own.
  if (predownload !== true || revision !== "main" || weights !== undefined) return [];
  const allowed = "a commit or tag of the model's repository, as predownload is true";
  return [
    problem([...at, "revision"], allowed, "copy the commit from its page on Hugging Face", [[...at, "predownload"]]),
  ];
};

/** Repositories that Hugging Face gives only to accounts that accepted a licence. */
const gated = /^(meta-llama\/|google\/gemma-[23]-)/;

/** Only for a download that is asked for: a volume that was filled by hand needs no token. */
const tokenForGated: ModelCheck = ({ problem }, { model, predownload, hfToken }, at) => {
  if (predownload !== true || hfToken !== undefined || !gated.test(model)) return [];
  const allowed = `a Hugging Face token, as ${model} is gated and predownload is true`;
  const next = "accept the licence on Hugging Face, then set hfToken.fromSecrets or hfToken.secretName";
  return [
    problem([...at, "hfToken"], allowed, next, [
      [...at, "model"],
      [...at, "predownload"],
    ]),
  ];
};

const draftModel: ModelCheck = ({ problem }, { speculative }, at) => {
  if (speculative === undefined) return [];
  const { method, model, promptLookupMax } = speculative;
  const basis: Path[] = [[...at, "speculative", "method"]];
  const hasOwnTokens = method === "ngram" || method === "mtp";
  const place: Path = [...at, "speculative", "model"];
  if (hasOwnTokens && model !== undefined)
    return [problem(place, `nothing with method ${method}, which needs no draft model`, "remove it", basis)];
  if (!hasOwnTokens && model === undefined)
    return [problem(place, `a Hugging Face id: method ${method} needs a draft model`, "add it, or use ngram", basis)];
  if (method === "ngram" || promptLookupMax === undefined) return [];
  return [problem([...at, "speculative", "promptLookupMax"], "nothing unless method is ngram", "remove it", basis)];
};

/** Clients choose an adapter by its name, where the model's own id stands otherwise. */
const adapterNames: ModelCheck = ({ problem }, { loras = [] }, at) =>
  loras.flatMap(({ name }, index) => {
    const first = loras.findIndex((other) => other.name === name);
    if (first === index) return [];
    const allowed = `a name that is unique among the model's adapters; entry ${first} has it already`;
    return [problem([...at, "loras", index, "name"], allowed, "rename one of the two", [[...at, "loras", first]])];
  });

const wholeCpus: ModelCheck = ({ problem }, { resources }, at) => {
  if (resources.exclusiveCpus !== true || Number.isInteger(parseQuantity(resources.cpu))) return [];
  const allowed = "a whole number, as resources.exclusiveCpus is true: the kubelet pins whole CPUs only";
  const basis: Path[] = [[...at, "resources", "exclusiveCpus"]];
  return [problem([...at, "resources", "cpu"], allowed, "round it up", basis)];
};

const tolerationValues: ModelCheck = ({ problem }, { tolerations = [] }, at) =>
  tolerations.flatMap(({ operator, value }, index) => {
    if ((operator === "Equal") === (value !== undefined)) return [];
    const place: Path = [...at, "tolerations", index];
    const basis: Path[] = [[...place, "operator"]];
    if (operator === "Equal")
      return [problem([...place, "value"], "the taint's value, as operator is Equal", "add it, or use Exists", basis)];
    return [problem([...place, "value"], "nothing with operator Exists", "remove it, or use operator: Equal", basis)];
  });

const severalNodes: ModelCheck = ({ problem, config }, { nodesPerReplica = 1, gpusPerReplica }, at) => {
  if (nodesPerReplica === 1) return [];
  const path: Path = [...at, "nodesPerReplica"];
  if (gpusPerReplica === 0)
    return [problem(path, "1 on CPU", "remove it, or set gpusPerReplica", [[...at, "gpusPerReplica"]])];
  if (config.addons.leaderWorkerSet !== undefined) return [];
  const allowed = "1 without LeaderWorkerSet, which starts the pods of a replica together";
  return [problem(path, allowed, "set addons.leaderWorkerSet: install", [["addons", "leaderWorkerSet"]])];
};

const modelChecks: readonly ModelCheck[] = [
  severalNodes,
  tolerationValues,
  pinnedRevision,
  tokenForGated,
  draftModel,
  adapterNames,
  wholeCpus,
];

/** What belongs together in how a model is served. */
export const checkServing: Check = (context) =>
  context.models.flatMap((model, index) => modelChecks.flatMap((check) => check(context, model, ["models", index])));
