import { declared } from "./demand/release";
import { gpuCount, listDemands } from "./pack/messages";
import type { Ledger } from "./pack/ledger";
import { stackPolicy } from "./pack/rule";

interface Config {
  readonly perHour?: number;
  readonly currency?: string;
  readonly prices?: Readonly<Record<string, number>>;
}

/** What the GPUs of the stack cost an hour stays within a budget; nothing is checked without one. */
export const gpuBudget = (ledger: Ledger) =>
  stackPolicy<Config>(ledger, {
    name: "gpu-budget",
    description: "The GPUs that the stack can ask for must not cost more an hour than its budget.",
    severity: "high",
    properties: {
      perHour: { type: "number", minimum: 0, description: "Budget of the stack for an hour." },
      currency: { type: "string", minLength: 1, description: "Currency of budget and prices; USD by default." },
      prices: {
        type: "object",
        description: "Price of one unit of a GPU resource for an hour, by resource name such as amd.com/gpu.",
        additionalProperties: { type: "number", minimum: 0 },
      },
    },
    check: (_, { perHour, currency = "USD", prices = {} }) => {
      if (perHour === undefined) return [];
      const total = ledger.total(ledger.demands().filter(({ gpus }) => gpus.size > 0));
      const counts = new Map<string, number>();
      for (const { gpus } of total.objects) {
        for (const [name, count] of gpus) counts.set(name, (counts.get(name) ?? 0) + count);
      }
      const unpriced = [...counts.keys()].filter((name) => name !== declared && !Object.hasOwn(prices, name));
      if (unpriced.length > 0) {
        const names = unpriced.join(", ");
        return [
          {
            label: "Stack",
            message: `no price is set for ${names}. Add it to gpu-budget.prices in the policy config.`,
          },
        ];
      }
      // What a chart or a ceiling declares may be of any product: the dearest.
      const dearest = Math.max(0, ...Object.values(prices));
      const cost = [...counts].reduce((sum, [name, count]) => sum + count * (prices[name] ?? dearest), 0);
      if (cost <= perHour) return [];
      const message =
        `its ${gpuCount(total.gpus)} cost ${cost.toFixed(2)} ${currency} an hour; the budget is ${perHour.toFixed(2)}:\n` +
        `${listDemands(ledger, total)}\nAsk for fewer GPUs, or raise gpu-budget.perHour in the policy config.`;
      return [{ label: "Stack", message }];
    },
  });
