export { copy, type DecodeFindings, decodeAs } from './codec.ts';
export { DecodeError } from './decode-error.ts';
export { patchSchemaOf } from './patch-schema.ts';
export {
  alwaysWritten,
  bootstrapTable,
  columnTable,
  definitionOf,
  definitions,
  type ResourceTable,
  resourceTable,
  type TableResource,
} from './table.ts';
