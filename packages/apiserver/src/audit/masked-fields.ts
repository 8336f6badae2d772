import type { JsonText } from './audit-event.ts';

interface Json {
  readonly [field: string]: unknown;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function withoutFields(value: unknown): unknown {
  if (!isObject(value) || !isObject(value['metadata'])) return value;
  const { managedFields, ...metadata } = value['metadata'];
  return managedFields === undefined ? value : { ...value, metadata };
}

/** An object, a list or a Table without `managedFields`. */
export function withoutManagedFields(text: JsonText): JsonText {
  // Most of what is sent has none.
  if (!text.includes('"managedFields"')) return text;
  const value: unknown = JSON.parse(text);
  const own = withoutFields(value);
  if (!isObject(own)) return text;
  const { items, rows } = own;
  return JSON.stringify({
    ...own,
    ...(Array.isArray(items) && { items: items.map(withoutFields) }),
    ...(Array.isArray(rows) && {
      rows: rows.map((row) =>
        isObject(row) && row['object'] ? { ...row, object: withoutFields(row['object']) } : row,
      ),
    }),
  });
}
