export {
  type ContainerRuntime,
  GrpcError,
  grpcCode,
  type NodeEnvironment,
  type RuntimeIsolation,
  type RuntimeProbe,
  RuntimeProvider,
} from './contract.ts';
export { criDescriptorJson } from './generated/descriptor.ts';
export * from './generated/types.ts';
