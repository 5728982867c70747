import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { credentials } from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/analyzer_pb";
import { root } from "../../cli/paths";
import type { RecordedResource } from "../unit/mocks";
import { cpuSecondsOf, peakOf } from "./processMeter";

type Method = "configureStack" | "getAnalyzerInfo" | "configure" | "remediate" | "analyze" | "analyzeStack";

/** The engine's own limit for messages. */
const largestMessage = 400 * 1024 * 1024;

export interface PackOptions {
  readonly policyConfigFile: string;
  /** Flags of Node.js for the process, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** Whether the pack is asked as in a preview; true by default. */
  readonly isPreview?: boolean;
}

type PolicyEntry = { readonly enforcementLevel?: string };

/** The policy pack in a process of its own, started and asked as the engine does. */
export class PolicyProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: AnalyzerClient,
  ) {}

  static async start({ policyConfigFile, nodeArguments = [], isPreview = true }: PackOptions): Promise<PolicyProcess> {
    const runner = path.join(root, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack");
    const pack = path.join(root, "policy");
    const child = spawn(process.execPath, [...nodeArguments, runner, "127.0.0.1:0", pack], {
      cwd: pack,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const port = await firstLine(child);
    const options = {
      "grpc.max_receive_message_length": largestMessage,
      "grpc.max_send_message_length": largestMessage,
    };
    const client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure(), options);
    const started = new PolicyProcess(child, client);
    await started.configure(policyConfigFile, isPreview);
    return started;
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(new Map([["pack", this.pid]]))["pack"] ?? 0;
  }

  get peakBytes(): number {
    return peakOf(this.pid);
  }

  /** Shows the pack one resource, as the engine does before it is made. Resolves to what the policies say. */
  async analyze(resource: RecordedResource, provider?: RecordedResource): Promise<string[]> {
    await this.call("remediate", fill(new messages.AnalyzeRequest(), resource, provider));
    return said(await this.call("analyze", fill(new messages.AnalyzeRequest(), resource, provider)));
  }

  async analyzeStack(resources: readonly RecordedResource[], provider?: RecordedResource): Promise<string[]> {
    const request = new messages.AnalyzeStackRequest();
    request.setResourcesList(
      resources.map((resource) => {
        const message = fill(new messages.AnalyzerResource(), resource, provider);
        message.setParent(resource.parent);
        message.setDependenciesList([...resource.dependencies]);
        return message;
      }),
    );
    return said(await this.call("analyzeStack", request));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.client.close();
    this.child.kill("SIGINT");
    await ended;
  }

  private get pid(): number {
    return this.child.pid ?? 0;
  }

  private async configure(policyConfigFile: string, isPreview: boolean): Promise<void> {
    const stack = new messages.AnalyzerStackConfigureRequest();
    stack.setDryRun(isPreview);
    await this.call("configureStack", stack);
    await this.call("getAnalyzerInfo", new Empty());
    const request = new messages.ConfigureAnalyzerRequest();
    const entries = JSON.parse(readFileSync(policyConfigFile, "utf8")) as Record<string, string | PolicyEntry>;
    for (const [name, entry] of Object.entries(entries)) {
      if (typeof entry === "string") continue;
      const { enforcementLevel, ...properties } = entry;
      const config = new messages.PolicyConfig();
      const { MANDATORY, REMEDIATE } = messages.EnforcementLevel;
      config.setEnforcementlevel(enforcementLevel === "remediate" ? REMEDIATE : MANDATORY);
      config.setProperties(Struct.fromJavaScript(properties));
      request.getPolicyconfigMap().set(name, config);
    }
    await this.call("configure", request);
  }

  private call(method: Method, request: unknown): Promise<unknown> {
    const send = this.client[method].bind(this.client) as (request: unknown, callback: Callback) => void;
    return new Promise((resolve, reject) => {
      send(request, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }
}

type Callback = (error: Error | null, response: unknown) => void;

function fill<T extends messages.AnalyzeRequest | messages.AnalyzerResource>(
  message: T,
  resource: RecordedResource,
  provider?: RecordedResource,
): T {
  message.setType(resource.type);
  message.setUrn(resource.urn);
  message.setName(resource.name);
  message.setProperties(Struct.fromJavaScript(resource.inputs as Record<string, JavaScriptValue>));
  message.setOptions(new messages.AnalyzerResourceOptions());
  if (provider !== undefined && resource.provider === provider.urn) {
    const sent = new messages.AnalyzerProviderResource();
    sent.setType(provider.type);
    sent.setUrn(provider.urn);
    sent.setName(provider.name);
    sent.setProperties(Struct.fromJavaScript(provider.inputs as Record<string, JavaScriptValue>));
    message.setProvider(sent);
  }
  return message;
}

function said(response: unknown): string[] {
  return (response as messages.AnalyzeResponse).getDiagnosticsList().map((diagnostic) => diagnostic.getMessage());
}

/** The pack writes its port as its first line. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const [line, rest] = text.split("\n");
      if (rest !== undefined) resolve(line ?? "");
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`the policy pack ended with ${code} before it served`)));
  });
}
