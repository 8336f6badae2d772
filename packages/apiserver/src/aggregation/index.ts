export { Aggregator } from './aggregator.ts';
export type { Extensions } from './contract.ts';
export type { Extension, Finding } from './extension.ts';
export { extensionTransport } from './extension-transport.ts';
export { type MergedGroup, type MergedVersion, mergedGroups } from './group-order.ts';
