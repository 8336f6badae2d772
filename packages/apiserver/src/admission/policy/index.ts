export type { MergeConfiguration } from './apply-mutation.ts';
export type { FindParams, ParamObjects } from './contract.ts';
export { PolicySources } from './policy-sources.ts';
export { typeWarnings } from './type-warnings.ts';
