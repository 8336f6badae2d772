export { CsiControllers, type CsiDriver, type CsiDriverProvider, CsiDrivers } from './contract.ts';
export { csiDescriptorJson } from './generated/descriptor.ts';
export * from './generated/types.ts';
