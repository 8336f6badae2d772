export {
  declareSchema,
  escapeName,
  greatestCount,
  greatestRequest,
  jsonValue,
  type SchemaDeclaration,
  schemaValue,
  sizesOf,
  unescapeName,
} from './adapters/index.ts';
export * from './contract.ts';
export * from './cost/cost-estimator.ts';
export * from './environment.ts';
export * from './kubernetes-types.ts';
export * from './library/index.ts';
export * from './mutation-types.ts';
export { CelProgram, type CelResult, type EvaluateOptions } from './runtime/program.ts';
export { accepts, typeOf } from './runtime/type-of.ts';
export { bindLibrary } from './standard/bind-library.ts';
export { optionalLibrary } from './standard/optional-library.ts';
export { standardLibrary } from './standard/standard-library.ts';
export { twoVariableLibrary } from './standard/two-variable-library.ts';
export * from './standard-types.ts';
export * from './syntax/expression.ts';
export * from './syntax/macro.ts';
export * from './type.ts';
export type { ResolveStruct } from './types/declarations.ts';
export type { CelStruct } from './types/struct.ts';
export * from './value.ts';
