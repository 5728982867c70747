import { readFileSync } from "node:fs";
import path from "node:path";
import { policies } from "./policies";
import { serve } from "./server/serve";

const { version } = JSON.parse(readFileSync(path.join(__dirname, "package.json"), "utf8")) as { version: string };

serve({ name: "inference-stack", version, policies: policies() });
