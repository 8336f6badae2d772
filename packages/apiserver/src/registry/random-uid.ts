import type { Random } from '@keelson/core';

const hex = Array.from({ length: 256 }, (_, each) => each.toString(16).padStart(2, '0'));

/** A version 4 UUID (RFC 9562) out of the given randomness. */
export function randomUid(random: Random): string {
  let text = '';
  for (let at = 0; at < 16; at++) {
    let byte = Math.floor(random() * 256);
    if (at === 6) byte = (byte & 0x0f) | 0x40;
    if (at === 8) byte = (byte & 0x3f) | 0x80;
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-';
    text += hex[byte];
  }
  return text;
}
