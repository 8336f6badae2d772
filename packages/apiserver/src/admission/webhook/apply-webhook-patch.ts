import { isJsonArray, type JsonObject, type JsonValue } from '@keelson/core';
import { applyJsonPatch, jsonKind } from '@keelson/core/machinery';

/** A patch that is none: the webhook said what cannot be understood. */
export class UndecodablePatch extends Error {
  override readonly name = 'UndecodablePatch';
}

/** The operations of a webhook's patch. Throws `UndecodablePatch` in the words of Go's decoder. */
export function readWebhookPatch(text: string): readonly JsonValue[] {
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UndecodablePatch(syntaxError(text));
  }
  if (value === null) return [];
  if (!isJsonArray(value)) {
    throw new UndecodablePatch(`json: cannot unmarshal ${jsonKind(value)} into Go value of type jsonpatch.Patch`);
  }
  const odd = value.find((each) => each !== null && jsonKind(each) !== 'object');
  if (odd !== undefined) {
    throw new UndecodablePatch(`json: cannot unmarshal ${jsonKind(odd)} into Go value of type jsonpatch.Operation`);
  }
  return value;
}

function syntaxError(text: string): string {
  const [first] = text.trimStart();
  if (first === undefined) return 'unexpected end of JSON input';
  if (!/[[{"\d\-tfn]/.test(first)) return `invalid character '${first}' looking for beginning of value`;
  return 'invalid character in patch';
}

interface Operation {
  readonly op: string;
  readonly path: string | undefined;
  readonly from: string | undefined;
}

const textIn = (operation: JsonValue, member: string): string | undefined => {
  const value = jsonKind(operation) === 'object' ? (operation as JsonObject)[member] : undefined;
  return typeof value === 'string' ? value : undefined;
};

/** What is applied at once; the copies of each such part have a limit in common. */
const mostAtOnce = 10_000;

/** Applies all operations. Throws an `Error` in the words of Kubernetes' library for the first that fails. */
export function applyWebhookPatch(document: JsonObject, operations: readonly JsonValue[]): JsonValue {
  let current: JsonValue = document;
  for (let at = 0; at < operations.length; at += mostAtOnce) {
    const some = operations.slice(at, at + mostAtOnce);
    try {
      current = applyJsonPatch(current, some, { typed: false });
    } catch (error) {
      throw new Error(whyFailed(current, some, causeOf(error)));
    }
  }
  return current;
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? (error.cause ?? error) : error);

/** Finds the operation that fails; where each would do by itself, together they are too much. */
function whyFailed(document: JsonValue, operations: readonly JsonValue[], together: unknown): string {
  let current = document;
  for (const each of operations) {
    try {
      current = applyJsonPatch(current, [each], { typed: false });
    } catch (error) {
      const op = textIn(each, 'op') ?? 'unknown';
      return failureText({ op, path: textIn(each, 'path'), from: textIn(each, 'from') }, causeOf(error));
    }
  }
  return together instanceof Error ? together.message : String(together);
}

const known = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

function failureText({ op, path, from }: Operation, cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (!known.has(op)) return `Unexpected kind: ${op}`;
  if (path === undefined) return `${op} operation failed to decode path: missing value`;
  if ((op === 'move' || op === 'copy') && from === undefined)
    return `${op} operation failed to decode from: missing value`;
  const key = (at: string) => (at.split('/').at(-1) ?? '').replace(/~[01]/g, (each) => (each === '~1' ? '/' : '~'));
  const at = `error in ${op} for path: '${path}': `;
  if (op === 'test') {
    return why.startsWith('missing path')
      ? `test operation does not apply: is missing path: ${path}: missing value`
      : `testing value ${path} failed: test failed`;
  }
  if (why.startsWith('unable to remove nonexistent key')) {
    const removed = key(op === 'move' ? (from ?? '') : path);
    return `error in ${op} for path: '${op === 'move' ? removed : path}': Unable to remove nonexistent key: ${removed}: missing value`;
  }
  if (why.startsWith('missing path')) {
    const source = (op === 'move' || op === 'copy') && why.endsWith(from ?? '');
    if (source) return `${op} operation does not apply: doc is missing from path: ${from}: missing value`;
    const shown = op === 'add' || op === 'remove' ? JSON.stringify(path) : path;
    const which = op === 'move' || op === 'copy' ? 'destination path' : 'path';
    return `${op} operation does not apply: doc is missing ${which}: ${shown}: missing value`;
  }
  if (why.includes('is not a position'))
    return `${at}strconv.Atoi: parsing ${JSON.stringify(key(path))}: invalid syntax`;
  if (why.includes('invalid index'))
    return `${at}Unable to access invalid index: ${key(path)}: invalid index referenced`;
  return why;
}
