import { createHmac, randomBytes } from 'node:crypto';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../machinery/index.ts';

/**
 * Fields whose values are not to be told, by resource (`secrets`, `websites.example.com`): paths such as `spec.password`,
 * with `*` for every member of a map or list.
 */
export type RedactedFields = Readonly<Record<string, readonly string[]>>;

const always: RedactedFields = {
  secrets: ['data.*', 'stringData.*'],
};

/** Holds a copy of what was applied, values included. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

type Path = readonly string[];

/**
 * Puts something else in the place of values. The same value gives the same text for as long as the process lives, so
 * that a change shows as one; which value it was cannot be found by trying, as the key is told to nobody.
 */
export class Redaction {
  readonly #paths: ReadonlyMap<string, readonly Path[]>;
  readonly #key = randomBytes(32);

  /** @param fields in addition to the values of Secrets */
  constructor(fields: RedactedFields = {}) {
    const all = Object.keys({ ...always, ...fields });
    this.#paths = new Map(
      all.map((each) => [each, [...(always[each] ?? []), ...(fields[each] ?? [])].map((path) => path.split('.'))]),
    );
  }

  /** Whether anything of this resource is not told. */
  concerns(group: string, resource: string): boolean {
    return this.#paths.has(nameOf(group, resource));
  }

  /** The same object where nothing of it is to be hidden, else a copy. */
  apply(group: string, resource: string, value: JsonValue): JsonValue {
    const name = nameOf(group, resource);
    const paths = this.#paths.get(name);
    if (!paths) return value;
    // Operations of a JSON patch: what they put where is not looked into.
    if (isJsonArray(value)) {
      return value.map((each) =>
        isJsonObject(each) && each['value'] !== undefined
          ? { ...each, value: this.#hide(each['value'], name === 'secrets') }
          : each,
      );
    }
    const hidden = paths.reduce<JsonValue>((next, path) => this.#at(next, path, name === 'secrets'), value);
    return withoutLastApplied(hidden);
  }

  #at(value: JsonValue, [first, ...rest]: Path, encoded: boolean): JsonValue {
    if (first === undefined) return this.#hide(value, encoded);
    const next = (each: JsonValue) => this.#at(each, rest, encoded);
    if (isJsonArray(value)) return first === '*' ? value.map(next) : value;
    if (!isJsonObject(value)) return value;
    const entries = Object.entries(value).map(([name, each]) => [
      name,
      each !== undefined && (first === '*' || first === name) ? next(each) : each,
    ]);
    return Object.fromEntries(entries);
  }

  #hide(value: JsonValue, encoded: boolean): JsonValue {
    if (typeof value === 'string') {
      const text = `redacted-${createHmac('sha256', this.#key).update(value).digest('hex').slice(0, 12)}`;
      return encoded ? Buffer.from(text).toString('base64') : text;
    }
    if (typeof value === 'number') return 0;
    if (typeof value === 'boolean') return false;
    if (isJsonArray(value)) return value.map((each) => this.#hide(each, encoded));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, each === undefined ? each : this.#hide(each, encoded)]),
    );
  }
}

const nameOf = (group: string, resource: string) => (group === '' ? resource : `${resource}.${group}`);

function withoutLastApplied(value: JsonValue): JsonValue {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined;
  if (!isJsonObject(value) || !isJsonObject(metadata) || !isJsonObject(annotations)) return value;
  const { [lastApplied]: _, ...others } = annotations satisfies JsonObject;
  return { ...value, metadata: { ...metadata, annotations: others } };
}
