import { parseArgs } from "node:util";

/** What `npm run simulate` was asked. */
export interface SimulateArguments {
  readonly stack: string;
  /** File with the output of `kubectl get nodes -o json`, `-` for the standard input; the stack's own nodes when absent. */
  readonly nodes?: string;
  /** File with the output of `kubectl get pods -A -o json`, `-` for the standard input: pods that run there already. */
  readonly pods?: string;
  /** How many nodes fail at a time; 0 leaves failures out. */
  readonly fail: number;
  /** How many orders of the pods are tried, as the order decides where it is tight. */
  readonly orders: number;
  readonly json: boolean;
}

export const usage =
  "npm run simulate -- [--stack <stack>] [--nodes <file>] [--pods <file>] [--fail <N>] [--orders <N>] [--json]\n" +
  "  --stack  the stack whose models are placed; dev by default\n" +
  "  --nodes  output of kubectl get nodes -o json, - for the standard input; by default the stack's hosts or node groups\n" +
  "  --pods   output of kubectl get pods -A -o json, - for the standard input: pods that take room already\n" +
  "  --fail   also tell what fits after any N nodes failed\n" +
  "  --orders how many orders of the pods are tried; 3 by default\n" +
  "  --json   the result for machines";

/** Parses the command line. Throws with the usage when it is none. */
export function parseArguments(args: readonly string[]): SimulateArguments {
  const { stack, nodes, pods, fail, orders, json } = parse(args);
  if (!/^[A-Za-z0-9][\w.-]*$/.test(stack)) {
    throw new Error(`--stack ${stack}: the name of a stack, such as --stack prod\n${usage}`);
  }
  if (!/^\d{1,4}$/.test(fail)) {
    throw new Error(`--fail ${fail}: a number of nodes, 0 or more\n${usage}`);
  }
  if (!/^[1-9]\d{0,2}$/.test(orders)) {
    throw new Error(`--orders ${orders}: a number from 1 to 999\n${usage}`);
  }
  if (nodes === "-" && pods === "-") {
    throw new Error(`--nodes - --pods -: one of both can be the standard input; give the other as a file\n${usage}`);
  }
  return { stack, nodes, pods, fail: Number(fail), orders: Number(orders), json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        stack: { type: "string", default: "dev" },
        nodes: { type: "string" },
        pods: { type: "string" },
        fail: { type: "string", default: "0" },
        orders: { type: "string", default: "3" },
        json: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${usage}`);
  }
}
