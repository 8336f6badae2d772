export { type AdmissionAttributes, type AdmissionPlugin, AdmissionPlugins } from './contract.ts';
