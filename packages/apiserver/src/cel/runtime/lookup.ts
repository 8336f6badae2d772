import { numberText } from '../standard/numbers.ts';
import { CelError, CelList, CelMap, CelObject, CelOptional, CelUint, type CelValue } from '../value.ts';
import { typeOf } from './type-of.ts';

/** A key as messages show it. */
export function keyText(key: CelValue): string {
  if (typeof key === 'string') return key;
  return numberText(key) ?? (typeof key === 'boolean' ? String(key) : typeOf(key).name);
}

const noSuchKey = (key: CelValue): CelError => new CelError(`no such key: ${keyText(key)}`);

/** The value at an index, a key or a field; undefined where there is none. Fails where a list is asked for a name. */
export function find(operand: CelValue, key: CelValue): CelValue | undefined {
  if (operand instanceof CelMap) return operand.get(key);
  if (operand instanceof CelObject) return typeof key === 'string' ? operand.get(key) : undefined;
  if (operand instanceof CelList) {
    const index = listIndex(key);
    return index >= 0 && index < operand.size ? operand.at(index) : undefined;
  }
  return undefined;
}

/** `operand.key` and `operand[key]` */
export function get(operand: CelValue, key: CelValue): CelValue {
  const found = find(operand, key);
  if (found !== undefined) return found;
  if (operand instanceof CelList) throw new CelError(`index out of bounds: ${listIndex(key)}`);
  throw noSuchKey(key);
}

/** `operand.?key` and `operand[?key]`; also what a path goes on with after an optional. */
export function getOptional(operand: CelValue, key: CelValue): CelOptional {
  if (operand instanceof CelOptional) return operand.value === undefined ? operand : getOptional(operand.value, key);
  const found = find(operand, key);
  return found === undefined ? CelOptional.none : new CelOptional(found);
}

/** `has(operand.field)` */
export function has(operand: CelValue, field: string): boolean {
  if (operand instanceof CelMap) return operand.has(field);
  if (operand instanceof CelObject) return operand.has(field);
  if (operand instanceof CelOptional) return operand.value !== undefined && has(operand.value, field);
  if (operand instanceof CelList) listIndex(field);
  return false;
}

/** Infinity where an int is beyond all lists. */
function listIndex(key: CelValue): number {
  if (typeof key === 'bigint') return Number(key);
  if (key instanceof CelUint) return Number(key.value);
  if (typeof key === 'number') {
    if (Number.isInteger(key)) return key;
    throw new CelError(`unsupported index value ${numberText(key)} in list`);
  }
  throw new CelError(`unsupported index type '${typeOf(key).name}' in list`);
}
