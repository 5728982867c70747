import net from "node:net";
import type { Kubeconfig } from "./kubeconfig";

/** Why an API server did not do what was asked, and what to check; for the user to read. */
export class UnreachableError extends Error {}

/** A server that does not answer for this long is taken to be down. */
export const PREFLIGHT_TIMEOUT_MS = 5000;

/** Resolves when something listens at the API server's address. Rejects with an UnreachableError. */
export function checkListening(
  kubeconfig: Kubeconfig,
  nextStep: string,
  timeoutMs = PREFLIGHT_TIMEOUT_MS,
): Promise<void> {
  const { hostname, port, protocol } = new URL(kubeconfig.server);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(port || (protocol === "http:" ? 80 : 443)), timeout: timeoutMs });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new UnreachableError(unreachable(kubeconfig, reason, nextStep)));
    };
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => {
      fail(`no answer within ${timeoutMs / 1000} s`);
    });
    socket.once("error", (error) => {
      fail(describe(error));
    });
  });
}

/** The message for an API server that cannot be used. */
export function unreachable({ server, context }: Kubeconfig, reason: string, nextStep: string): string {
  return `cannot use the Kubernetes API server ${server} (context ${context}): ${reason}. ${nextStep}`;
}

/** What an error of the network, of TLS or of the API server means, in a few words. */
export function describe(error: unknown): string {
  const chain = causes(error);
  const status = chain.map((link) => (link as { code?: unknown }).code).find((code) => typeof code === "number");
  if (status === 401) {
    return "it refused the credentials (401)";
  }
  if (status === 403) {
    return "the credentials may not do this (403)";
  }
  if (status !== undefined) {
    return `it answered with status ${String(status)}`;
  }
  if (chain.some(({ name }) => name === "TimeoutError" || name === "AbortError")) {
    return `no answer within ${PREFLIGHT_TIMEOUT_MS / 1000} s`;
  }
  // The innermost error is the one of the socket; those around it only say that a request failed.
  const innermost: NodeJS.ErrnoException | undefined = chain.at(-1);
  return innermost?.message || innermost?.code || String(error);
}

function causes(error: unknown): Error[] {
  if (!(error instanceof Error)) {
    return [];
  }
  const inner = error instanceof AggregateError ? (error.errors as unknown[]).at(-1) : error.cause;
  return [error, ...causes(inner)];
}
