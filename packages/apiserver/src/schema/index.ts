export { type DecodeFindings, decodeAs, emptyOf } from './codec.ts';
export { copy } from './copy.ts';
export { DecodeError, describeJson, InvalidFieldError } from './decode-error.ts';
export { mostStrictErrors } from './findings.ts';
export { inGoOrder } from './go-order.ts';
export { type GoField, type GoType, goFields } from './go-types.ts';
export {
  copyHollow,
  forgetHollow,
  holdsBlank,
  holdsHollow,
  hollowMember,
  isMarkedHollow,
  noteHollow,
  withHollows,
} from './hollow.ts';
export { rememberNumbers, withNumberTexts } from './number-text.ts';
export { patchSchemaOf } from './patch-schema.ts';
export { sameValues } from './same-values.ts';
export { storageVersionHash } from './storage-version-hash.ts';
export {
  alwaysWritten,
  anyDefinitionOf,
  columnTable,
  definitionOf,
  definitions,
  isKnownKind,
  type ResourceTable,
  resourceTable,
  type TableResource,
} from './table.ts';
