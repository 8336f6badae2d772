import { DecodeError } from './decode-error.ts';

/** Kubernetes tells no more than this many unknown fields and duplicates of one body. */
export const mostStrictErrors = 100;

interface Finding {
  readonly type: 'unknown' | 'mismatch' | 'fatal';
  /** With indices and keys of maps, for unknown fields. */
  at: string;
  /** Of fields alone, for what does not fit. */
  path: string;
  struct: string | undefined;
  /** The message up to the place; or all of it, where there is no place in it. */
  readonly message: string;
  readonly goType: string | undefined;
}

/**
 * What a decoder comes across. Paths are put together on the way out, so that a body in which nothing is wrong costs
 * none.
 */
export class Findings {
  readonly #list: Finding[] = [];
  readonly #unkeyed: boolean;
  /** Whether something was given that is empty, and so is left out. */
  hollow = false;
  /** How deep the struct that is being read lies in others. */
  depth = 0;

  /** @param unkeyed keys of maps are not told */
  constructor(unkeyed = false) {
    this.#unkeyed = unkeyed;
  }

  get count(): number {
    return this.#list.length;
  }

  unknown(name: string): void {
    this.#list.push({ type: 'unknown', at: name, path: '', struct: undefined, message: '', goType: undefined });
  }

  /** Decoding goes on after it, as in Go, but comes to nothing: `cannot unmarshal string` … `of type int32`. */
  mismatch(found: string, goType: string, type: 'mismatch' | 'fatal' = 'mismatch'): void {
    this.#list.push({
      type,
      at: '',
      path: '',
      struct: undefined,
      message: `json: cannot unmarshal ${found} into Go struct field `,
      goType,
    });
  }

  /** An error that does not say where it stands. A fatal one ends decoding: it counts before mismatches. */
  problem(message: string, type: 'mismatch' | 'fatal'): void {
    this.#list.push({ type, at: '', path: '', struct: undefined, message, goType: undefined });
  }

  /** All findings from `start` on stand in this field of a struct. */
  inField(start: number, field: string, path: string, struct: string): void {
    for (let index = start; index < this.#list.length; index++) {
      const each = this.#list[index];
      if (!each) continue;
      each.at = joined(field, each);
      each.path = each.path === '' ? path : `${path}.${each.path}`;
      each.struct ??= struct;
    }
  }

  /** All findings from `start` on stand under this key of a map. */
  inKey(start: number, key: string): void {
    if (!this.#unkeyed) this.inElement(start, key);
  }

  /** All findings from `start` on stand in this element of a list or map, such as `[0]` or a key. */
  inElement(start: number, element: string): void {
    for (let index = start; index < this.#list.length; index++) {
      const each = this.#list[index];
      if (each) each.at = joined(element, each);
    }
  }

  /** What was found from `start` on was found by a decoder of its own: it knows of no unknown fields, and its error ends all. */
  separate(start: number): void {
    for (const each of this.#list.splice(start)) {
      if (each.type !== 'unknown') this.#list.push({ ...each, type: 'fatal' });
    }
  }

  /** Names the unknown fields, in the order of the body. Throws `DecodeError` where something did not fit. */
  settle(): string[] {
    const error = this.#list.find(({ type }) => type === 'fatal') ?? this.#list.find(({ type }) => type === 'mismatch');
    if (error) {
      const { message, goType, struct = '', path } = error;
      throw new DecodeError(goType === undefined ? message : `${message}${struct}.${path} of type ${goType}`);
    }
    return [...new Set(this.#list.map(({ at }) => `unknown field "${at}"`))].slice(0, mostStrictErrors);
  }
}

/** An unknown field may have an empty name; a value that does not fit has none. */
const joined = (before: string, { at, type }: Finding) =>
  at === '' && type !== 'unknown' ? before : at.startsWith('[') ? before + at : `${before}.${at}`;
