import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies";

new PolicyPack("inference-stack", { enforcementLevel: "mandatory", policies: policies() });
