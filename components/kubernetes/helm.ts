export * as v3 from "@pulumi/kubernetes/helm/v3/release";
