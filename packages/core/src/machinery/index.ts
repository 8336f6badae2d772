export { AsyncScope } from './async-scope.ts';
export { type Clock, microTimestamp, type Random, timestamp } from './clock.ts';
export {
  type AnyCondition,
  getCondition,
  isConditionTrue,
  type NewCondition,
  removeCondition,
  setCondition,
} from './condition.ts';
export { type CronSchedule, CronScheduleError, isTimeZone, parseCronSchedule } from './cron-schedule.ts';
export { deepEqual, semanticEqual } from './deep-equal.ts';
export { deepFreeze } from './deep-freeze.ts';
export { type FieldRequirement, formatFieldSelector, matchesFields, parseFieldSelector } from './field-selector.ts';
export { groupBy } from './group-by.ts';
export { intOrPercent } from './int-or-percent.ts';
export { formatIpv4, type Ipv4Range, ipv4At, parseIpv4, parseIpv4Range } from './ipv4-range.ts';
export {
  deepestJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  jsonKind,
  nestsDeeper,
} from './json.ts';
export { type JsonPatchOperation, jsonPatchBetween } from './json-diff.ts';
export { applyJsonPatch } from './json-patch.ts';
export { mayKubeletSetLabel } from './kubelet-labels.ts';
export type { LabelOperator, LabelRequirement, Labels } from './label-requirement.ts';
export { formatLabelSelector, labelRequirements, labelSelectorMatches, matchesLabels } from './label-selector.ts';
export { parseLabelSelector, SelectorError } from './label-selector-text.ts';
export { validateLabelSelector } from './label-selector-validation.ts';
export { isLeftByDeletion } from './left-by-deletion.ts';
export { applyMergePatch, createMergePatch, readMergePatch } from './merge-patch.ts';
export { messageOf, namedMessageOf } from './message-of.ts';
export { mountPointsBelow } from './mount-table.ts';
export {
  nameOfPrefix,
  validateCIdentifier,
  validateConfigMapKey,
  validateDns1035Label,
  validateDnsLabel,
  validateDnsSubdomain,
  validateEnvironmentName,
  validateLabelValue,
  validatePathSegment,
  validatePortName,
  validateQualifiedName,
} from './name-validation.ts';
export {
  clusterKey,
  keyOf,
  type ObjectKey,
  type ObjectRef,
  objectKey,
  refOf,
  splitClusterKey,
} from './object-key.ts';
export {
  validateAnnotations,
  validateFinalizers,
  validateLabels,
  validateObjectMeta,
  validateOwnerReferences,
} from './object-meta-validation.ts';
export { controllerOf, isControlledBy, isOwnedBy, ownerReferenceTo } from './owner-reference.ts';
export {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  formatQuantity,
  milliValue,
  negateQuantity,
  parseQuantity,
  type Quantity,
  QuantityError,
  type QuantityFormat,
  type QuantityLike,
  quantityToNumber,
  quantityValue,
  roundUpToMilli,
  subtractQuantity,
  zeroQuantity,
} from './quantity.ts';
export { compareResourceVersions, hasReached } from './resource-version.ts';
export { generateName, hashObject, randomSuffix, safeName } from './safe-name.ts';
export { type FieldError, isStatusError, type ResourceName, StatusError, type StatusReason } from './status-error.ts';
export { leftoverOfPatch } from './strategic-merge-leftover.ts';
export { goText } from './strategic-merge-order.ts';
export { applyStrategicMergePatch, type PatchField, type PatchSchema } from './strategic-merge-patch.ts';
export { holdProcess, sleepOn, systemClock, systemRandom } from './system-clock.ts';
export { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './time-format.ts';
export { type WallClock, type WallTime, wallClock } from './wall-clock.ts';
