export { type NodeCertificate, NodeCertificates } from './contract.ts';
export { isolationAnnotation, Kubelet, type KubeletOptions, type PodSource, SharedPods } from './kubelet/index.ts';
export { type NodeOptions, nodeOptionsSchema } from './node-options.ts';
export { Nodes, type NodesOptions } from './nodes.ts';
export { nodePlugin } from './plugin.ts';
export { serviceProxyPlugin } from './service-proxy/plugin.ts';
