import { z } from "zod";
import { dnsSubdomain } from "./common";

const fromImage = z.strictObject({
  type: z.literal("image").describe("What holds the weights"),
  reference: z
    .string()
    .min(1)
    .describe("OCI image that holds the weights, by tag or digest; mounted read-only. Needs Kubernetes 1.35"),
  path: z
    .string()
    .regex(/^(?!.*(^|\/)\.\.(\/|$))[^\s/][^\s]*$/, "a relative path without '..'")
    .optional()
    .describe("Directory of the image that holds config.json; its root by default"),
  pullSecret: dnsSubdomain
    .optional()
    .describe("A Secret of type kubernetes.io/dockerconfigjson in the model's namespace, for a private registry"),
});

const fromS3 = z.strictObject({
  type: z.literal("s3").describe("What holds the weights"),
  url: z
    .string()
    .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^\s/?#]+)*$/, "an address such as s3://bucket/path")
    .describe("Bucket and path that hold config.json and safetensors files"),
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^\s/?#]+$/, "an http:// or https:// address without a path")
    .optional()
    .describe("Address of a store that speaks S3; that of AWS by default"),
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/, "a region such as eu-central-1")
    .optional()
    .describe("Region of the bucket"),
  secretName: dnsSubdomain
    .optional()
    .describe("A Secret in the model's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
});

/** Where the weights of one model come from, other than Hugging Face. */
export const weightsSchema = z
  .discriminatedUnion("type", [fromImage, fromS3])
  .describe("Where the weights come from, in place of Hugging Face: an OCI image, or a bucket");

export type WeightsConfig = z.output<typeof weightsSchema>;
