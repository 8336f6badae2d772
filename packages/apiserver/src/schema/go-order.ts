import { goFields } from './go-types.ts';
import { definitions } from './table.ts';

/** The same value with its keys as Go would write them: fields as they are declared, keys of maps sorted. */
export function inGoOrder(definition: string, value: unknown): unknown {
  const declared = goFields(definition);
  const properties = definitions()[definition]?.properties;
  if (!isRecord(value) || declared === undefined || properties === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const { name } of declared) {
    const each = value[name];
    if (each === undefined) continue;
    const { ref, items, additionalProperties } = properties[name] ?? {};
    if (ref !== undefined) result[name] = inGoOrder(ref, each);
    else if (items?.ref !== undefined && Array.isArray(each)) {
      const element = items.ref;
      result[name] = each.map((item: unknown) => inGoOrder(element, item));
    } else if (additionalProperties !== undefined && isRecord(each)) result[name] = sorted(each);
    else result[name] = each;
  }
  return result;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sorted = (map: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
