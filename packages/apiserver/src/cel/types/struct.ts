import type { CelType } from '../type.ts';
import type { CelValue } from '../value.ts';

/** A type whose values a literal with fields makes: `Object.spec{replicas: 1}`. */
export interface CelStruct {
  readonly type: CelType;
  /** Fields that the literal leaves out are not there. Throws a CelError where it cannot be. */
  create(fields: ReadonlyMap<string, CelValue>): CelValue;
}
