import http from "node:http";
import type { AddressInfo } from "node:net";

/** A plain HTTP server in an API server's place, and how often each path was asked for. */
export interface FakeApiServer {
  readonly url: string;
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Answers requests by path: a number is an error status, `hang` never answers, anything else is the JSON body. */
export async function startApiServer(answers: Record<string, unknown>): Promise<FakeApiServer> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://host").pathname;
    requests.push(`${request.headers.authorization ?? "anonymous"} ${path}`);
    const answer = answers[path] ?? 404;
    if (answer === "hang") {
      return;
    }
    const status = typeof answer === "number" ? answer : 200;
    const body = typeof answer === "number" ? { kind: "Status", status: "Failure", code: status } : answer;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** A kubeconfig of one context, `lab`, for a server. The client takes plain HTTP only where TLS is not verified. */
export function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "lab",
    clusters: [{ name: "lab", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "lab", user: { token: "hush" } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "lab" } }],
  });
}
