import "./components/leanSdk";
import * as pulumi from "@pulumi/pulumi";
import { fitTable } from "./components/capacity/fitTable";
import { Addons } from "./components/addons/addons";
import { Cluster, connectCluster } from "./components/cluster";
import { loadStackConfig, readProjectJson, requireNodes } from "./components/config";
import { resolveAddressPool } from "./components/config/addressPool";
import { configuredSubnet } from "./components/config/nodes";
import { Serving } from "./components/serving/serving";
import { Tenancy } from "./components/tenancy/tenancy";

/** From the stack's config to served models. Each component gets just its part. */
export = async () => {
  const { config, secrets } = loadStackConfig();

  // The cluster: simulated, the one that a kubeconfig names, or made of bare hosts over SSH.
  const connection = await connectCluster({ ...config, secrets });
  requireNodes(config, connection.nodes);
  const cluster = new Cluster("cluster", connection);
  if (config.models.length > 0) await pulumi.log.info(fitTable(config, cluster.nodes, readProjectJson));
  const onCluster = { provider: cluster.provider };

  // What models need there: pod network, cert-manager, GPU operator, MetalLB.
  const addresses = resolveAddressPool({
    addresses: config.loadBalancer.addresses,
    subnet: configuredSubnet(config.cluster, config.loadBalancer),
    nodeAddresses: cluster.nodes.map(({ address }) => address),
  });
  const { interfaces } = config.loadBalancer;
  const podNetwork = config.cluster.source === "hosts" ? config.cluster : undefined;
  const addons = new Addons("addons", { ...config, addresses, interfaces, podNetwork }, onCluster);

  // Namespaces with their GPU quotas.
  const tenants = new Map(
    config.namespaces.map((namespace) => [
      namespace.name,
      new Tenancy(namespace.name, { namespace, gpuVendor: config.gpu.vendor }, onCluster),
    ]),
  );

  // Models, each with its weights' storage.
  const serving = new Serving(
    "serving",
    {
      ...config,
      nodes: cluster.nodes,
      tenants,
      awaitsGroups: config.cluster.source !== "simulated",
      hfToken: (name) => secrets.hfToken(name),
    },
    { ...onCluster, dependsOn: [...addons.resources] },
  );

  // Bare hosts: the proof that what was made of them works.
  const validation = cluster.validate({
    ...config,
    after: [...addons.resources, ...serving.models],
    rerunOn: serving.models.map(({ url }) => url),
  });

  return {
    // Secret. Only of clusters that the stack makes: the others have theirs.
    ...(cluster.hosts && { kubeconfig: cluster.kubeconfig }),
    ...(validation && { validation }),
    models: serving.models.map(({ name, url, gpus }) => ({ name, url, gpus })),
  };
};
