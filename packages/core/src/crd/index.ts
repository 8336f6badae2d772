export { type BreakingChange, breakingChanges } from './breaking-changes.ts';
export { type CelRule, type FieldPathIn, withRules } from './cel-rules.ts';
export { appliedAnnotation, type ChildObject } from './child-applier.ts';
export { ClusterName, type ClusterPeer, ClusterPeers } from './cluster-peers.ts';
export type { Use } from './declared-access.ts';
export { defineOperator, type Operator } from './define-operator.ts';
export {
  type CustomResource,
  type DeepReadonly,
  type DefinedResource,
  defineResource,
  type ResourceDefinition,
  type ResourceObject,
} from './define-resource.ts';
export {
  type ConversionPair,
  type ConvertedContent,
  defineVersions,
  type ResourceVersions,
  type ServedVersion,
  type VersionObject,
  type VersionsDefinition,
} from './define-versions.ts';
export {
  type DefinedWebhook,
  defineWebhook,
  type Mutate,
  type MutateAnswer,
  type Validate,
  type ValidateAnswer,
  type WebhookContext,
  type WebhookDefinition,
  type WebhookOperation,
  type WebhookRequest,
  type WebhookSettings,
} from './define-webhook.ts';
export {
  type ChildSpec,
  type Dependent,
  type DependentMaker,
  type DependentOrder,
  defineExternal,
  type External,
  type ExternalContext,
  type ExternalSpec,
} from './dependent.ts';
export { installCrd } from './install-crd.ts';
export { atomic, mapList, setList } from './list-types.ts';
export {
  dependentLabel,
  type InCluster,
  type Observes,
  type OperatorContext,
  type StatusOf,
} from './operator-context.ts';
export type { OperatorDefinition, Reference } from './operator-definition.ts';
export type { ResourceNames } from './resource-names.ts';
export type { PrinterColumn, VersionDefinition } from './resource-version.ts';
export { convertedBy } from './serve-definition.ts';
export type { ResourceConversion } from './version-conversion.ts';
export type { Installation, WebhookConfigurations } from './webhook-configurations.ts';
export { type ClientConfigAt, type WebhookInstaller, Webhooks } from './webhooks.ts';
