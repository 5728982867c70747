import * as fs from "node:fs";
import * as path from "node:path";
import { configurationDocument } from "./configurationDocument";
import { stackFileSchemaText } from "./jsonSchema";

const schemaFile = path.join(__dirname, "stack.schema.json");
const documentFile = path.join(__dirname, "..", "..", "docs", "configuration.md");

fs.writeFileSync(schemaFile, stackFileSchemaText());
fs.writeFileSync(documentFile, configurationDocument());
console.log(`wrote ${[schemaFile, documentFile].map((file) => path.relative(process.cwd(), file)).join(" and ")}`);
