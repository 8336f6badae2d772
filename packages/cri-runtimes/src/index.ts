export { type BuildImageOptions, buildImage, type ImageConfig, type ImageFile } from './images/build-image.ts';
export { buildBusyboxImage, buildNodeImage, hostPrograms } from './images/host-files.ts';
export { formatReference, type ImageReference, normalizeReference, parseReference } from './images/reference.ts';
export { type RemoteOptions, remoteOptionsSchema } from './remote/options.ts';
export { remoteRuntimePlugin } from './remote/plugin.ts';
export { shutdownContainerd } from './remote/private-containerd.ts';
export { type SimulatedOptions, simulatedOptionsSchema } from './simulated/options.ts';
export { simulatedRuntimePlugin } from './simulated/plugin.ts';
export { openSimulatedRuntime } from './simulated/simulated-runtime.ts';
