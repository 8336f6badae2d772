import { parseQuantity } from '@keelson/core';
import { BoundedMap } from './bounded-map.ts';

const known = new BoundedMap<number>(4096);

/** A quantity as a floating-point number, remembered by its text: thousands of pods share a handful of texts. */
export function quantityNumber(text: string): number {
  return known.getOrMake(text, () => Number(parseQuantity(text).nanos) / 1e9);
}
