export { agnhostImage, devicePluginImage, vllmStandInImage } from "./images";
export { kubernetesReleases, packageRevision, releases } from "./releases";
export { World, type WorldOptions, type WorldRequest, type WorldSettings } from "./world";
