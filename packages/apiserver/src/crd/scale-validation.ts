import type { ScalePaths } from '../registry/kind.ts';
import type { FieldErrors } from '../registry/strategy.ts';

const most = 2 ** 31 - 1;

/**
 * What stands where the scale subresource looks: numbers of replicas, and a label selector as text. An update of the
 * status is not held to what the spec says.
 */
export function validateScale(
  object: Readonly<Record<string, unknown>>,
  { specReplicas, statusReplicas, selector }: ScalePaths,
  errors: FieldErrors,
  part: 'main' | 'status' = 'main',
): void {
  for (const path of part === 'status' ? [statusReplicas] : [specReplicas, statusReplicas]) {
    const at = textOf(path);
    const found = lookUp(object, path);
    if (found === undefined) continue;
    const why = found.wrong ?? (isInteger(found.value) ? undefined : mistyped(path, found.value, 'int64'));
    if (why !== undefined) errors.invalid(at, 0, why);
    else if (Number(found.value) < 0) errors.invalid(at, found.value, 'should be a non-negative integer');
    else if (Number(found.value) > most) errors.invalid(at, found.value, `should be less than or equal to ${most}`);
  }
  const found = selector && lookUp(object, selector);
  if (!selector || !found) return;
  const why = found.wrong ?? (typeof found.value === 'string' ? undefined : mistyped(selector, found.value, 'string'));
  if (why !== undefined) errors.invalid(textOf(selector), '', why);
}

const textOf = (path: readonly string[]) => path.map((each) => `.${each}`).join('');
const isInteger = (value: unknown) => typeof value === 'number' && Number.isInteger(value);

/** `undefined` where nothing stands. */
function lookUp(
  object: Readonly<Record<string, unknown>>,
  path: readonly string[],
): { readonly value?: unknown; readonly wrong?: string } | undefined {
  let value: unknown = object;
  for (const [index, name] of path.entries()) {
    if (value === null) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { wrong: mistyped(path.slice(0, index + 1), value, 'map[string]interface{}') };
    }
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return { value };
}

const mistyped = (path: readonly string[], value: unknown, wanted: string) =>
  `${textOf(path)} accessor error: ${shown(value)} is of the type ${goType(value)}, expected ${wanted}`;

/** As Go prints a value of unstructured JSON. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([name, each]) => `${name}:${shown(each)}`).join(' ')}]`;
}

function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
