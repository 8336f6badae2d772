export {
  type AdmissionAttributes,
  type AdmissionPlugin,
  AdmissionPlugins,
  type ObjectForm,
  type Reinvocation,
} from './contract.ts';
export { type Amounts, parseAmounts, podLimits, podRequests } from './pod-resources.ts';
export * from './quota/index.ts';
