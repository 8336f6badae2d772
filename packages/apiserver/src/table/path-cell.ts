import type { KubernetesObject } from '@keelson/core';
import type { Cell } from './cells.ts';
import { age } from './human-duration.ts';
import { evaluateJsonPath } from './json-path.ts';

/** The cell of a column that a custom type has defined: of all that its path leads to only the first counts. */
export function pathCell(type: string, path: string, object: KubernetesObject, now: number): Cell {
  const [value] = evaluateJsonPath(path, object);
  if (value === undefined) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? asInt64(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(now, value);
    default:
      return asText(value);
  }
}

/** What Go makes of a number that does not fit is the least that there is. */
const asInt64 = (value: number) => (Math.abs(value) < 2 ** 63 ? Math.trunc(value) : -(2 ** 63));

function asText(value: unknown): string {
  if (value === null) return '<no value>';
  if (typeof value !== 'object') return typeof value === 'number' ? numberText(value) : String(value);
  return JSON.stringify(inOrderOfNames(value)).replace(
    /[<>&\u2028\u2029]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Go writes small numbers with an exponent sooner, and each exponent in two digits. */
function numberText(value: number): string {
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

function inOrderOfNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrderOfNames);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, each]) => [name, inOrderOfNames(each)]));
}
