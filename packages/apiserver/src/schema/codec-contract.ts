import type { ScalarDecoder } from './scalars.ts';

/** Copies a value that is not null. `undefined`: it did not fit, and the findings say so. */
export type Decoder = ScalarDecoder;

/** How values of a type are read, and what Go writes where there is none. */
export interface Codec {
  readonly decode: Decoder;
  /** Go's zero value, which null stands for in lists and maps. */
  readonly zero: () => unknown;
  readonly kind: 'scalar' | 'collection' | 'bytes' | 'time' | 'struct' | 'other';
}
