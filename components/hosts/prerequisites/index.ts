export { Prerequisites, type PrerequisitesArgs } from "./prerequisites";
