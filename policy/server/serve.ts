import { Server, ServerCredentials, status, type handleUnaryCall } from "@grpc/grpc-js";
import type { AnalyzerStackConfigureRequest, ConfigureAnalyzerRequest } from "@pulumi/pulumi/proto/analyzer_pb";
import type { Pack } from "./replies";
import { PolicyService, serviceDefinition } from "./service";

/** The engine's own limit: a stack of thousands of resources comes in one message. */
const largestMessage = 400 * 1024 * 1024;

/** Serves a pack to the engine, and tells it the port on standard output, as the engine's plugins do. */
export function serve(pack: Pack): void {
  const service = new PolicyService(pack);
  const server = new Server({ "grpc.max_receive_message_length": largestMessage });
  server.addService(serviceDefinition, {
    getPluginInfo: answer(() => service.getPluginInfo()),
    getAnalyzerInfo: answer(() => service.getAnalyzerInfo()),
    configureStack: answer((request: AnalyzerStackConfigureRequest) => service.configureStack(request)),
    configure: answer((request: ConfigureAnalyzerRequest) => service.configure(request)),
    analyze: answer((request: Buffer) => service.analyze(request)),
    analyzeStack: answer((request: Buffer) => service.analyzeStack(request)),
    remediate: answer((request: Buffer) => service.remediate(request)),
  });
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.stdout.write(`${port}\n`);
  });
}

function answer<Request, Reply>(
  respond: (request: Request) => Reply | Promise<Reply>,
): handleUnaryCall<Request, Reply> {
  return ({ request }, callback) => {
    // An error has to reach the engine as one: it stops the operation.
    Promise.resolve()
      .then(() => respond(request))
      .then(
        (reply) => callback(null, reply),
        (error: unknown) => callback({ code: status.UNKNOWN, details: (error as Error).message }),
      );
  };
}
