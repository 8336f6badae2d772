import { type Opened, type PrefixedTransformer, startsWith, type ValueTransformer } from './value-transformer.ts';

/** What every encrypted value begins with. */
export const encryptedPrefix = Buffer.from('k8s:enc:');

/** Values as they are. It refuses to take for such what was encrypted. */
export const identity: PrefixedTransformer = {
  prefix: new Uint8Array(),
  current: () => 'identity',
  seal: (value) => value,
  open(data) {
    if (startsWith(data, encryptedPrefix)) throw new Error('identity transformer tried to read encrypted data');
    return { value: data, origin: 'identity' };
  },
};

/** Several transformers in order: the first writes; by a value's beginning it is known which may have written it. */
export class PrefixTransformers implements PrefixedTransformer {
  readonly prefix: Uint8Array;
  readonly #all: readonly PrefixedTransformer[];
  readonly #first: PrefixedTransformer;
  readonly #unknown: string;

  /** @param unknown what is said of a value that none of them wrote */
  constructor(all: readonly PrefixedTransformer[], unknown: string, prefix: Uint8Array = new Uint8Array()) {
    const [first] = all;
    if (!first) throw new Error('at least one transformer is needed');
    this.#first = first;
    this.#all = all;
    this.#unknown = unknown;
    this.prefix = prefix;
  }

  current(): string {
    return this.#first.current();
  }

  seal(value: Uint8Array, place: string): Uint8Array {
    const { prefix } = this.#first;
    const sealed = this.#first.seal(value, place);
    return prefix.length === 0 ? sealed : Buffer.concat([prefix, sealed]);
  }

  open(data: Uint8Array, place: string): Opened | Promise<Opened> {
    return this.#openFrom(0, data, place, []);
  }

  /** Keys of one name may follow one another: that one of them fails says nothing about the next. */
  #openFrom(index: number, data: Uint8Array, place: string, errors: readonly unknown[]): Opened | Promise<Opened> {
    for (let at = index; at < this.#all.length; at++) {
      const each = this.#all[at];
      if (!each || !startsWith(data, each.prefix)) continue;
      const failed = (error: unknown) => (each.prefix.length === 0 ? errors : [...errors, error]);
      try {
        const opened = each.open(data.subarray(each.prefix.length), place);
        if (!(opened instanceof Promise)) return opened;
        return opened.catch((error: unknown) => this.#openFrom(at + 1, data, place, failed(error)));
      } catch (error) {
        errors = failed(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new Error(`[${errors.map(messageOf).join(', ')}]`);
    throw new Error(this.#unknown);
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The transformer of a resource: its providers in order. */
export const providersInOrder = (all: readonly PrefixedTransformer[]): ValueTransformer =>
  new PrefixTransformers(all, 'no matching prefix found');
