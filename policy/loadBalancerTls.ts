import type { KubeObject } from "./demand/objects";
import { UNKNOWN, type Field } from "./demand/field";
import { objectPolicy } from "./pack/rule";

interface Config {
  readonly plainNamespaces?: readonly string[];
}

/** Annotations by which a cloud's load balancer holds the certificate. */
const certificateAnnotation = /(ssl-cert|tls|certificate)/i;

/** What the stack opens to the network speaks TLS, but in namespaces where the config accepts plain HTTP. */
export const loadBalancerTls = objectPolicy<Config>({
  name: "load-balancer-tls",
  description: "LoadBalancer Services, Gateways and Ingresses must use TLS.",
  severity: "high",
  properties: {
    plainNamespaces: {
      type: "array",
      description:
        "Namespaces that may open ports without TLS, such as those behind a private network; none by default.",
      items: { type: "string", minLength: 1 },
    },
  },
  check: (object, { plainNamespaces = [] }) => {
    if (object.isPatch || (object.namespace !== UNKNOWN && plainNamespaces.includes(object.namespace))) return [];
    return plainPorts(object).map(
      (path) =>
        `${path} is open without TLS. Put it behind a Gateway with TLS, or list the namespace in plainNamespaces.`,
    );
  },
});

function plainPorts(object: KubeObject): string[] {
  const spec = object.root.get("spec");
  if (object.group === "" && object.kind === "Service") return servicePorts(object.root, spec);
  if (object.group === "gateway.networking.k8s.io" && object.kind === "Gateway") return gatewayPorts(spec);
  if (object.group === "networking.k8s.io" && object.kind === "Ingress" && spec.get("tls").items().length === 0) {
    return ["spec.rules"];
  }
  return [];
}

function servicePorts(root: Field, spec: Field): string[] {
  const type = spec.get("type");
  if (type.value !== "LoadBalancer" && !type.isUnknown) return [];
  const annotations = root.get("metadata", "annotations").entries();
  if (annotations.some(([key]) => certificateAnnotation.test(key))) return [];
  return spec
    .get("ports")
    .items()
    .filter((port) => {
      const names = [port.get("name"), port.get("appProtocol")].map((field) => field.text() ?? "");
      return ![443, 8443].includes(Number(port.get("port").value)) && !names.some((name) => /https|tls/i.test(name));
    })
    .map((port) => port.path);
}

/** An HTTP listener beside one with TLS redirects, or answers challenges of a certificate issuer. */
function gatewayPorts(spec: Field): string[] {
  const listeners = spec.get("listeners").items();
  const hasTls = (listener: Field): boolean => ["HTTPS", "TLS"].includes(listener.get("protocol").text() ?? "");
  return listeners.some(hasTls) ? [] : listeners.map((listener) => listener.path);
}
