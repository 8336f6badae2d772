export { escapeName, unescapeName } from './escaping.ts';
export { jsonValue } from './json-value.ts';
export {
  declareSchema,
  greatestCount,
  greatestRequest,
  type SchemaDeclaration,
  sizesOf,
} from './schema-declaration.ts';
export { schemaValue } from './schema-value.ts';
