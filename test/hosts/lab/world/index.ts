export { agnhostImage, devicePluginImage, vllmStandInImage } from "./images";
export { containerd2Source, kubernetesReleases, packageRevision, releases } from "./releases";
export { World, type WorldOptions, type WorldRequest, type WorldSettings } from "./world";
