export { Aggregator } from './aggregator.ts';
export type { Extensions } from './contract.ts';
export type { Extension, Finding } from './extension.ts';
export { type MergedGroup, type MergedVersion, mergedGroups } from './group-order.ts';
