/**
 * The parts of the Kubernetes SDK that the components use, by the SDK's own names. The SDK's index also loads all other
 * API groups, and a YAML parser and a file finder for rendering charts: a third of what loading this program takes.
 */
export * as apiextensions from "@pulumi/kubernetes/apiextensions";
export * as apps from "@pulumi/kubernetes/apps";
export * as core from "@pulumi/kubernetes/core";
export * as helm from "./helm";
export * as policy from "@pulumi/kubernetes/policy";
export { Provider, type ProviderArgs } from "@pulumi/kubernetes/provider";
export * as storage from "@pulumi/kubernetes/storage";
export type * as types from "@pulumi/kubernetes/types";
