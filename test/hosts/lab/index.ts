export { type HostSpec } from "./hostFiles";
export { Lab, type LabOptions } from "./lab";
export { LabHost } from "./labHost";
export { whyNoLab } from "./requirements";
export { sudoPassword, users } from "./users";
