export { appliedAnnotation, type ChildObject } from './child-applier.ts';
export type { Use } from './declared-access.ts';
export { defineOperator, type Operator, type OperatorDefinition, type Reference } from './define-operator.ts';
export {
  type CustomResource,
  type DeepReadonly,
  type DefinedResource,
  defineResource,
  type PrinterColumn,
  type ResourceDefinition,
  type ResourceObject,
} from './define-resource.ts';
export { installCrd } from './install-crd.ts';
export type { OperatorContext, StatusOf } from './operator-context.ts';
