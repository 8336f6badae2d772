import type { Json } from '../draft.ts';
import type { ListType, MapType, MergeType } from './merge-type.ts';
import { elementText } from './path-element.ts';
import { asList, asMap, isScalar, listElement, memberType, shapeOf } from './typed-shape.ts';

export interface TypeFinding {
  /** `.spec.ports[0]`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * Where a value does not have its type, in the API's words. Elements given twice are refused in what is applied; objects
 * may have them (`stored`).
 */
export function validateValue(type: MergeType, value: unknown, at = '', stored = false): readonly TypeFinding[] {
  const shape = shapeOf(type, value);
  if (shape === 'map' && type.map) return validateMap(type.map, value, at, stored);
  if (shape === 'list' && type.list) return validateList(type.list, value, at, stored);
  return value === null || value === undefined ? [] : validateScalar(type, value, at);
}

/** All findings as one text. */
export function findingsText(findings: readonly TypeFinding[]): string {
  const lines = findings.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return lines.length === 1 ? (lines[0] ?? '') : ['errors:', ...lines.map((each) => `  ${each}`)].join('\n');
}

/** As Go prints a value that came as `%v`: maps sorted, nothing quoted. */
function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const members = Object.entries(value as Readonly<Json>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([key, each]) => `${key}:${goValue(each)}`).join(' ')}]`;
}

/** As Go prints it by `%#v`. */
function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value !== 'object') return String(value);
  const members = Object.entries(value as Readonly<Json>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${members.map(([key, each]) => `${JSON.stringify(key)}:${goSyntax(each)}`).join(', ')}}`;
}

const goType = (value: unknown) =>
  typeof value === 'string'
    ? 'string'
    : typeof value === 'boolean'
      ? 'bool'
      : Array.isArray(value)
        ? '[]interface {}'
        : typeof value === 'number'
          ? Number.isInteger(value)
            ? 'int64'
            : 'float64'
          : 'map[string]interface {}';

function validateScalar({ scalar }: MergeType, value: unknown, path: string): readonly TypeFinding[] {
  const wrong = (message: string) => [{ path, message }];
  switch (scalar) {
    case 'numeric':
      return typeof value === 'number' ? [] : wrong(`expected numeric (int or float), got ${goType(value)}`);
    case 'string':
      return typeof value === 'string'
        ? []
        : wrong(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong(`expected boolean, got &{${goValue(value)}}`);
    default:
      return isScalar(value) ? [] : wrong(`expected any scalar, got &{${goValue(value)}}`);
  }
}

function validateMap(map: MapType, value: unknown, path: string, stored: boolean): readonly TypeFinding[] {
  if (value === null || value === undefined) return [];
  const members = asMap(value);
  if (members === undefined) return [{ path, message: `expected map, got &{${goValue(value)}}` }];
  const findings: TypeFinding[] = [];
  for (const [name, each] of Object.entries(members)) {
    if (each === undefined) continue;
    const type = memberType(map, name);
    if (type === undefined) {
      // The real server says no more of this map after the first one.
      findings.push({ path: `${path}.${name}`, message: 'field not declared in schema' });
      return findings;
    }
    findings.push(...validateValue(type, each, `${path}.${name}`, stored));
  }
  return findings;
}

function validateList(list: ListType, value: unknown, path: string, stored: boolean): readonly TypeFinding[] {
  if (value === null || value === undefined) return [];
  const values = asList(value);
  if (values === undefined) return [{ path, message: `expected list, got &{${goValue(value)}}` }];
  const findings: TypeFinding[] = [];
  const seen = new Set<string>();
  for (const [at, each] of values.entries()) {
    let element = `i:${at}`;
    if (!list.atomic) {
      try {
        element = listElement(list, each);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        findings.push({ path, message: `element ${at}: ${error.message}` });
        return findings;
      }
      if (seen.has(element) && !stored) {
        findings.push({ path, message: `duplicate entries for key ${elementText(element)}` });
      }
      seen.add(element);
    }
    findings.push(...validateValue(list.item, each, path + elementText(element), stored));
  }
  return findings;
}
