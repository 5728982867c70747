import { consoleProgress } from "../sim/toolchain";
import { main } from "./main";
import { stackFile } from "./paths";
import { parseArguments } from "./simulate/arguments";
import { renderResult } from "./simulate/render";
import { hasPending } from "./simulate/result";
import { simulate } from "./simulate/simulation";

/** Exit codes beside 0, everything fits. */
const pendingExit = 1;
const errorExit = 2;

/** `npm run simulate`: which pods of a stack would find no node, by the real scheduler on simulated nodes. */
main(async (args) => {
  try {
    const asked = parseArguments(args);
    const result = await simulate({ ...asked, file: stackFile(asked.stack) }, consoleProgress());
    console.log(asked.json ? JSON.stringify(result, null, 2) : `\n${renderResult(result)}`);
    return hasPending(result) ? pendingExit : 0;
  } catch (error) {
    console.error(`\nerror: ${(error as Error).message}`);
    return errorExit;
  }
});
