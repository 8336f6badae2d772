/** A value as it was before it was encrypted. */
export interface Opened {
  readonly value: Uint8Array;
  /** What encrypted it; where it is not what a transformer writes with now, the value is to be written anew. */
  readonly origin: string;
}

/**
 * One way to write values and read them back (KEP-3299; kubernetes.io/docs/tasks/administer-cluster/encrypt-data). A value
 * is bound to its place, the key under which it is stored, by those ways that authenticate.
 */
export interface ValueTransformer {
  /** The origin of what would be written now. */
  current(): string;
  /** Throws while nothing can be encrypted. */
  seal(value: Uint8Array, place: string): Uint8Array;
  /** Throws, or rejects, where the value cannot be read. */
  open(data: Uint8Array, place: string): Opened | Promise<Opened>;
}

/** A transformer with what its values begin with. */
export interface PrefixedTransformer extends ValueTransformer {
  readonly prefix: Uint8Array;
}

export const tooShort = () => new Error('the stored data was shorter than the required size');

export function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  if (data.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (data[at] !== prefix[at]) return false;
  return true;
}
