import { createHash } from 'node:crypto';
import { PrefixTransformers } from './prefix-transformers.ts';
import type { PrefixedTransformer } from './value-transformer.ts';

/** A cipher with one key. */
export interface KeyCipher {
  seal(value: Uint8Array, place: string): Uint8Array;
  open(data: Uint8Array, place: string): Uint8Array;
}

export interface NamedKey {
  readonly name: string;
  readonly secret: Uint8Array;
  readonly cipher: KeyCipher;
}

/** A provider of several keys, each with its name before its values: the first writes, all read. */
export function keyedTransformer(prefix: string, keys: readonly NamedKey[], unknownKey: string): PrefixedTransformer {
  const own = keys.map(({ name, secret, cipher }): PrefixedTransformer => {
    const origin = `${prefix}${name}:${createHash('sha256').update(secret).digest('base64')}`;
    return {
      prefix: Buffer.from(`${name}:`),
      current: () => origin,
      seal: (value, place) => cipher.seal(value, place),
      open: (data, place) => ({ value: cipher.open(data, place), origin }),
    };
  });
  return new PrefixTransformers(own, unknownKey, Buffer.from(prefix));
}
