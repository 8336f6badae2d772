import { deepEqual } from './deep-equal.ts';
import {
  deepestJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  jsonKind,
  nestsDeeper,
} from './json.ts';
import { StatusError } from './status-error.ts';

const mostOperations = 10_000;
/** What all copies of one patch may add up to, so that a small patch cannot fill the memory. */
const mostCopiedBytes = 3 * 1024 * 1024;

interface Operation {
  readonly op: string;
  readonly path: string | undefined;
  readonly from: string | undefined;
  readonly value: JsonValue;
}

/**
 * Applies a JSON patch (RFC 6902) as the Kubernetes API does: `replace` also adds a member, an absent value is `null`,
 * negative list positions count from the end. The document is not changed; what a patch leaves alone is shared.
 *
 * `typed: false` reads operations as the API does where fields are not validated: one of another type than it should be
 * counts as absent.
 *
 * Throws `StatusError`: 400 for what is no patch, 413 for too many operations, 422 if an operation fails, with the
 * reason of that failure as its `cause`.
 */
export function applyJsonPatch(
  document: JsonValue,
  patch: unknown,
  { typed = true }: { readonly typed?: boolean } = {},
): JsonValue {
  const operations = readOperations(patch, typed);
  let copied = 0;
  const onCopy = (value: JsonValue) => {
    copied += JSON.stringify(value).length;
    if (copied > mostCopiedBytes) throw new Error('the copies of this patch are too large');
  };
  try {
    return operations.reduce<JsonValue>((current, each) => applyOperation(current, each, onCopy), document);
  } catch (error) {
    const answer = StatusError.of(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
    answer.cause = error;
    throw answer;
  }
}

function readOperations(patch: unknown, typed: boolean): Operation[] {
  if (patch === null) return [];
  if (!isJsonArray(patch)) throw undecodable(jsonKind(patch), typed, 'value of type []handlers.jsonPatchOp', 'Patch');
  if (patch.length > mostOperations) {
    throw StatusError.of(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`,
    );
  }
  return patch.map((each) => {
    if (each === null) return { op: '', path: undefined, from: undefined, value: null };
    if (!isJsonObject(each)) {
      throw undecodable(jsonKind(each), typed, 'value of type handlers.jsonPatchOp', 'Operation');
    }
    return {
      op: text(each, 'op', typed) ?? '',
      path: text(each, 'path', typed),
      from: text(each, 'from', typed),
      value: each.value ?? null,
    };
  });
}

function text(operation: JsonObject, field: string, typed: boolean): string | undefined {
  const value = operation[field];
  if (typeof value === 'string') return value;
  if (!typed || value === undefined || value === null) return undefined;
  throw undecodable(jsonKind(value), typed, `struct field jsonPatchOp.${field} of type string`, 'Operation');
}

function undecodable(kind: string, typed: boolean, into: string, plain: 'Patch' | 'Operation'): StatusError {
  return StatusError.badRequest(
    typed
      ? `error decoding patch: json: cannot unmarshal ${kind} into Go ${into}`
      : `json: cannot unmarshal ${kind} into Go value of type jsonpatch.${plain}`,
  );
}

function applyOperation(document: JsonValue, operation: Operation, onCopy: (value: JsonValue) => void): JsonValue {
  const { op, value } = operation;
  const path = pointer(operation.path);
  switch (op) {
    case 'add':
      checkNesting(path, value);
      return edit(document, path, (parent, key) => insert(parent, key, value));
    case 'replace':
      checkNesting(path, value);
      if (path !== '') return edit(document, path, (parent, key) => replace(parent, key, value));
      if (!isJsonObject(value) && !isJsonArray(value)) throw new Error('the whole is an object or a list');
      return value;
    case 'remove':
      return edit(document, path, remove);
    case 'test':
      if (!deepEqual(read(document, path) ?? null, value)) throw new Error(`testing value ${path} failed`);
      return touch(document, path);
    case 'move': {
      const from = pointer(operation.from);
      const moved = read(document, from);
      checkNesting(path, moved ?? null);
      const without = edit(document, from, remove);
      return edit(without, path, (parent, key) => insert(parent, key, moved ?? null));
    }
    case 'copy': {
      const from = pointer(operation.from);
      if (from === '') throw new Error('the whole cannot be copied');
      // What is copied is read again, as the way to the target may lead through it.
      const touched = touch(touch(document, from), path);
      const copy = read(touched, from) ?? null;
      checkNesting(path, copy);
      onCopy(copy);
      return edit(touched, path, (parent, key) => insert(parent, key, copy));
    }
    default:
      throw new Error(`unexpected kind: ${op}`);
  }
}

function pointer(path: string | undefined): string {
  if (path === undefined) throw new Error('missing path');
  return path;
}

/** Each operation might make the document deeper by what the one before has made. */
function checkNesting(path: string, value: JsonValue): void {
  if (nestsDeeper(value, deepestJson - path.split('/').length + 1)) throw new Error(`${path} is nested too deeply`);
}

/** The segments of a JSON pointer (RFC 6901). What stands before the first slash is ignored, as the API does. */
function segments(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: JsonValue, path: string): JsonValue | undefined {
  if (path === '') return document;
  const keys = segments(path);
  const last = keys.pop();
  if (last === undefined) throw new Error(`missing path ${path}`);
  let parent = document;
  for (const key of keys) parent = step(parent, key, path);
  return isJsonArray(parent) ? parent[position(parent, last, parent.length - 1)] : member(parent, last, path);
}

function step(parent: JsonValue, key: string, path: string): JsonValue {
  const child = isJsonArray(parent) ? parent[position(parent, key, parent.length - 1)] : member(parent, key, path);
  if (!isJsonArray(child) && !isJsonObject(child)) throw new Error(`missing path ${path}`);
  return child;
}

function member(parent: JsonValue, key: string, path: string): JsonValue | undefined {
  if (!isJsonObject(parent)) throw new Error(`missing path ${path}`);
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

type Container = readonly JsonValue[] | JsonObject;

/** The document with the container at the path's end replaced by what `change` makes of it. */
function edit(document: JsonValue, path: string, change: (container: Container, key: string) => Container): JsonValue {
  const keys = segments(path);
  if (keys.length === 0) throw new Error(`missing path ${path}`);
  const descend = (node: JsonValue, depth: number): JsonValue => {
    if (!isJsonArray(node) && !isJsonObject(node)) throw new Error(`missing path ${path}`);
    const key = keys[depth] ?? '';
    if (depth === keys.length - 1) return change(node, key);
    const child = descend(step(node, key, path), depth + 1);
    return isJsonArray(node) ? node.with(position(node, key, node.length - 1), child) : withMember(node, key, child);
  };
  return descend(document, 0);
}

/** A copy of what lies on the way: it counts as touched, though only read. */
const touch = (document: JsonValue, path: string): JsonValue =>
  path === ''
    ? document
    : edit(document, path, (container) =>
        isJsonArray(container) ? [...container] : sorted(Object.entries(container)),
      );

/** Members of what a patch has touched are in the order of their names, as the API then writes them. */
const sorted = (entries: (readonly [string, JsonValue | undefined])[]): JsonObject =>
  Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

/** `__proto__` is a member like any other. */
function withMember(object: JsonObject, key: string, value: JsonValue): JsonObject {
  return sorted([...Object.entries(object).filter(([name]) => name !== key), [key, value]]);
}

function insert(container: Container, key: string, value: JsonValue): Container {
  if (!isJsonArray(container)) return withMember(container, key, value);
  if (key === '-') return [...container, value];
  return container.toSpliced(position(container, key, container.length, container.length + 1), 0, value);
}

function replace(container: Container, key: string, value: JsonValue): Container {
  if (!isJsonArray(container)) return withMember(container, key, value);
  return container.with(position(container, key, container.length - 1), value);
}

function remove(container: Container, key: string): Container {
  if (isJsonArray(container)) return container.toSpliced(position(container, key, container.length - 1), 1);
  if (!Object.hasOwn(container, key)) throw new Error(`unable to remove nonexistent key: ${key}`);
  return sorted(Object.entries(container).filter(([name]) => name !== key));
}

/** A position in a list; negative ones count from `size`. */
function position(list: readonly JsonValue[], key: string, last: number, size = list.length): number {
  if (!/^[+-]?[0-9]{1,15}$/.test(key)) throw new Error(`"${key}" is not a position in a list`);
  const index = Number(key) < 0 ? Number(key) + size : Number(key);
  if (index < 0 || index > last) throw new Error(`unable to access invalid index: ${key}`);
  return index;
}
