import { NumberText } from '../../schema/number-text.ts';
import { isRecord } from '../../schema/records.ts';
import { CelError, CelList, CelMap, type CelValue } from '../value.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

/** JSON as values of CEL that know no types; nothing is copied. Whole numbers are ints, as Kubernetes reads them. */
export function jsonValue(value: unknown): CelValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value;
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : value;
    case 'object':
      if (value === null) return null;
      if (isRecord(value)) return new JsonMap(value);
      if (Array.isArray(value)) return new JsonList(value);
      if (value instanceof NumberText) return numberOf(value);
  }
  throw new CelError(`unsupported type: ${typeof value}`);
}

const isInteger = /^-?[0-9]+$/;

/** A number whose text was kept. */
export function numberOf({ text }: NumberText): CelValue {
  if (!isInteger.test(text)) return Number(text);
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : Number(text);
}

/** An object of JSON as a map. */
export class JsonMap extends CelMap {
  readonly json: JsonRecord;

  constructor(json: JsonRecord) {
    super();
    this.json = json;
  }

  get size(): number {
    return Object.keys(this.json).length;
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) return undefined;
    const value = this.json[key];
    return value === undefined ? undefined : jsonValue(value);
  }

  override has(key: CelValue): boolean {
    return typeof key === 'string' && Object.hasOwn(this.json, key) && this.json[key] !== undefined;
  }

  keys(): Iterable<string> {
    return Object.keys(this.json);
  }
}

/** A list of JSON. */
export class JsonList extends CelList {
  readonly #json: readonly unknown[];

  constructor(json: readonly unknown[]) {
    super();
    this.#json = json;
  }

  get size(): number {
    return this.#json.length;
  }

  at(index: number): CelValue {
    return jsonValue(this.#json[index] ?? null);
  }
}
