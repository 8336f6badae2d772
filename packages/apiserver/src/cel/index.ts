export {
  declareSchema,
  greatestCount,
  jsonValue,
  type SchemaDeclaration,
  schemaValue,
  sizesOf,
} from './adapters/index.ts';
export type { SizeEstimate } from './contract.ts';
export {
  type Activation,
  type CelCompilation,
  CelEnvironment,
  type CelEnvironmentOptions,
  type CelExpression,
  type CelFailure,
} from './environment.ts';
export {
  admissionVariables,
  customKindType,
  customListType,
  kindType,
  namespaceOf,
  variablesType,
  variableType,
} from './kubernetes-types.ts';
export {
  CelAuthorizer,
  goRegexp,
  jsonPatchLibrary,
  kubernetesLibraries,
  PatternWorkError,
  quantityType,
} from './library/index.ts';
export { CelJsonPatch, CelObjectPatch, jsonPatchType, mutationStruct, objectPatchType } from './mutation-types.ts';
export type { CelResult } from './runtime/program.ts';
export { bindLibrary } from './standard/bind-library.ts';
export { standardLibrary } from './standard/standard-library.ts';
export {
  anyType,
  boolType,
  dynType,
  fieldsOf,
  listType,
  mapType,
  nullType,
  objectType,
  optionalType,
  stringType,
} from './standard-types.ts';
export type { CelType } from './type.ts';
export { CelArray, CelError, CelList, CelMap, CelObject, CelOptional, type CelValue } from './value.ts';
