export { Kubelet, type KubeletOptions } from './kubelet.ts';
export { isolationAnnotation } from './node/node-status.ts';
export { type PodSource, SharedPods } from './pods/pod-source.ts';
