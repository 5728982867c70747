import assert from "node:assert/strict";
import { parse as parseToml } from "smol-toml";
import {
  aptProxy,
  containerd1,
  containerd2,
  pauseImage,
  proxyOf,
  registryHosts,
  serviceDropIn,
} from "../../../../components/hosts/prerequisites/containerdConfig";
import { cluster } from "../preflight/fixtures";

/** With ordinary objects, which deepEqual tells from those without a prototype. */
const parse = (text: string): Record<string, unknown> =>
  JSON.parse(JSON.stringify(parseToml(text))) as Record<string, unknown>;

const settings = { pauseImage: "registry.k8s.io/pause:3.10.2", pullProgressTimeout: "30m", config: {} };

describe("containerd's configuration", () => {
  it("is a version 2 file for containerd 1", () => {
    assert.deepEqual(parse(containerd1(settings)), {
      version: 2,
      imports: ["/etc/containerd/conf.d/*.toml"],
      plugins: {
        "io.containerd.grpc.v1.cri": {
          sandbox_image: "registry.k8s.io/pause:3.10.2",
          image_pull_progress_timeout: "30m",
          containerd: {
            runtimes: { runc: { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } } },
          },
          cni: { bin_dir: "/opt/cni/bin", conf_dir: "/etc/cni/net.d" },
          registry: { config_path: "/etc/containerd/certs.d" },
        },
      },
    });
  });

  it("is a version 3 file for containerd 2, with the plugins' new names", () => {
    assert.deepEqual(parse(containerd2(settings)), {
      version: 3,
      imports: ["/etc/containerd/conf.d/*.toml"],
      plugins: {
        "io.containerd.cri.v1.images": {
          image_pull_progress_timeout: "30m",
          pinned_images: { sandbox: "registry.k8s.io/pause:3.10.2" },
          registry: { config_path: "/etc/containerd/certs.d" },
        },
        "io.containerd.cri.v1.runtime": {
          containerd: {
            runtimes: { runc: { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } } },
          },
          cni: { bin_dirs: ["/opt/cni/bin"], conf_dir: "/etc/cni/net.d" },
        },
      },
    });
  });

  it("takes the user's tables at every depth, beside what it sets itself", () => {
    const config = {
      oom_score: -999,
      plugins: { "io.containerd.grpc.v1.cri": { restrict_oom_score_adj: true, registry: { headers: { a: ["b"] } } } },
    };
    const file = parse(containerd1({ ...settings, config }));
    const cri = (file.plugins as Record<string, Record<string, unknown>>)["io.containerd.grpc.v1.cri"]!;
    assert.equal(file.oom_score, -999);
    assert.equal(cri.restrict_oom_score_adj, true);
    assert.equal(cri.sandbox_image, "registry.k8s.io/pause:3.10.2");
    assert.deepEqual(cri.registry, { config_path: "/etc/containerd/certs.d", headers: { a: ["b"] } });
  });

  it("takes the pause image of the release, from the repository of kubeadm's other images", () => {
    assert.equal(pauseImage("1.36.3"), "registry.k8s.io/pause:3.10.2");
    assert.equal(pauseImage("1.33.0"), "registry.k8s.io/pause:3.10");
    assert.equal(pauseImage("1.99.0"), "registry.k8s.io/pause:3.10.2");
    assert.equal(pauseImage("1.36.3", "mirror.example.com/k8s"), "mirror.example.com/k8s/pause:3.10.2");
  });
});

describe("a registry's mirror", () => {
  it("is asked first, and the registry for the rest", () => {
    assert.deepEqual(parse(registryHosts("registry.k8s.io", "https://mirror.example.com/")), {
      server: "https://registry.k8s.io",
      host: { "https://mirror.example.com": { capabilities: ["pull", "resolve"] } },
    });
    assert.equal(parse(registryHosts("docker.io", "http://10.0.0.1:5000")).server, "https://registry-1.docker.io");
  });

  it("keeps an address with the API's version in it as it stands", () => {
    const { host } = parse(registryHosts("quay.io", "https://harbor.example.com/v2/quay")) as { host: object };
    assert.deepEqual(host, {
      "https://harbor.example.com/v2/quay": { capabilities: ["pull", "resolve"], override_path: true },
    });
  });
});

describe("a proxy", () => {
  const proxied = cluster({
    proxy: { http: "http://me:p%40ss@proxy:3128", https: "http://proxy:3128", noProxy: ["mirror.example.com"] },
    controlPlaneEndpoint: "api.example.com:6443",
  });

  it("is passed by for the cluster's own addresses", () => {
    assert.deepEqual(proxyOf(proxied)?.exceptions, [
      ...["localhost", "127.0.0.1", ".svc", ".cluster.local", "10.244.0.0/16", "10.96.0.0/16"],
      ...["10.0.0.11", "10.0.0.12", "api.example.com", "mirror.example.com"],
    ]);
    assert.equal(proxyOf(cluster()), undefined);
    assert.equal(proxyOf(cluster({ proxy: { noProxy: ["x"] } })), undefined);
  });

  it("reaches containerd by its unit, whose limits are raised in any case", () => {
    const lines = serviceDropIn(proxyOf(proxied)).split("\n");
    assert.ok(lines.includes('Environment="HTTP_PROXY=http://me:p%%40ss@proxy:3128"'));
    assert.ok(lines.some((line) => line.startsWith('Environment="NO_PROXY=localhost,127.0.0.1,')));
    const without = serviceDropIn(undefined);
    assert.match(without, /LimitNOFILE=1048576\nLimitMEMLOCK=infinity\n$/);
  });

  it("reaches apt, which takes names but no networks", () => {
    const text = aptProxy(proxyOf(proxied));
    assert.match(text, /^Acquire::http::Proxy "http:\/\/me:p%40ss@proxy:3128";\nAcquire::https::Proxy /);
    assert.match(text, /^Acquire::https::Proxy::mirror\.example\.com "DIRECT";$/m);
    assert.doesNotMatch(text, /10\.244\.0\.0|\.svc/);
    assert.equal(aptProxy(undefined), "");
  });
});
