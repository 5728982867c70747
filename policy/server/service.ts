import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { AnalyzerService } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/analyzer_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { noteOperation } from "../pack/preview";
import type { PolicySettings } from "../report/config";
import { Analyzer, type Violation } from "./analyzer";
import { analyzeReply, levelOf, packReply, remediateReply, type Pack } from "./replies";
import { CorrectableResource, readStackRequest, RequestedResource } from "./requests";
import { MessageReader } from "./wire";

/**
 * The engine's analyzer service with messages that hold resources left as bytes: they are decoded straight into what
 * policies read, and only as far as some policy reads them.
 */
export const serviceDefinition = {
  ...AnalyzerService,
  analyze: { ...AnalyzerService.analyze, requestDeserialize: asBytes },
  analyzeStack: { ...AnalyzerService.analyzeStack, requestDeserialize: asBytes },
  remediate: { ...AnalyzerService.remediate, requestDeserialize: asBytes },
};

/** Answers the engine's calls for a pack of policies. */
export class PolicyService {
  private readonly analyzer: Analyzer;
  private readonly descriptions: ReadonlyMap<string, string>;

  constructor(private readonly pack: Pack) {
    this.analyzer = new Analyzer(pack.policies);
    this.descriptions = new Map(pack.policies.map(({ name, description }) => [name, description]));
  }

  getPluginInfo(): plugin.PluginInfo {
    const info = new plugin.PluginInfo();
    info.setVersion(this.pack.version);
    return info;
  }

  getAnalyzerInfo(): messages.AnalyzerInfo {
    return packReply(this.pack);
  }

  configureStack(request: messages.AnalyzerStackConfigureRequest): messages.AnalyzerStackConfigureResponse {
    noteOperation(request.getDryRun() ? "preview" : "update");
    this.analyzer.configureStack(new Map(request.getTagsMap().getEntryList()));
    return new messages.AnalyzerStackConfigureResponse();
  }

  configure(request: messages.ConfigureAnalyzerRequest): Empty {
    const settings = new Map<string, PolicySettings>();
    for (const [name, config] of request.getPolicyconfigMap().entries()) {
      const level = levelOf(config.getEnforcementlevel());
      settings.set(name, { level, config: config.getProperties()?.toJavaScript() ?? {} });
    }
    this.analyzer.configure(settings);
    return new Empty();
  }

  async analyze(request: Buffer): Promise<messages.AnalyzeResponse> {
    return this.reply(await this.analyzer.analyze(new RequestedResource(new MessageReader(request))));
  }

  async analyzeStack(request: Buffer): Promise<messages.AnalyzeResponse> {
    return this.reply(await this.analyzer.analyzeStack(readStackRequest(request)));
  }

  async remediate(request: Buffer): Promise<messages.RemediateResponse> {
    const resource = new CorrectableResource(new MessageReader(request));
    const corrections = await this.analyzer.remediate(resource);
    const copied = corrections.find(({ props }) => props !== resource.props);
    // The marks of secrets can only be put back where they were.
    if (copied !== undefined) throw new Error(`policy ${copied.policy.name} must change properties in place`);
    if (corrections.length > 0) resource.markSecrets();
    return remediateReply(
      this.pack,
      corrections.map(({ policy, props }) => ({ ...policy, props })),
    );
  }

  private reply(violations: readonly Violation[]): messages.AnalyzeResponse {
    return analyzeReply(this.pack, violations, (policy) => this.descriptions.get(policy) ?? policy);
  }
}

function asBytes(bytes: Buffer): Buffer {
  return bytes;
}
