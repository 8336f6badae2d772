import type { CelLibrary } from '../contract.ts';
import { boolType, doubleType, intType, stringType } from '../standard-types.ts';
import { CelError } from '../value.ts';
import { readingCost } from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { type CelQuantity, celQuantity, isQuantity, quantityType as quantity } from './quantity.ts';

function wholeOf(amount: CelQuantity): bigint {
  if (amount.whole === undefined) throw new CelError('cannot convert value to integer');
  return amount.whole;
}

/** Kubernetes' functions for amounts of resources: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library */
export const quantityLibrary: CelLibrary = {
  name: 'kubernetes.quantity',
  functions: [
    named('quantity', call('string_to_quantity', [stringType], quantity, celQuantity, readingCost(0))),
    named('isQuantity', call('is_quantity_string', [stringType], boolType, isQuantity, readingCost(0))),
    named(
      'sign',
      call('quantity_sign', [quantity], intType, (amount) => amount.sign),
    ),
    named(
      'isInteger',
      method('quantity_is_integer', [quantity], boolType, (amount) => amount.whole !== undefined),
    ),
    named('asInteger', method('quantity_get_int', [quantity], intType, wholeOf)),
    named(
      'asApproximateFloat',
      method('quantity_get_float', [quantity], doubleType, (amount) => amount.approximately),
    ),
    named(
      'add',
      method('quantity_add', [quantity, quantity], quantity, (amount, other) => amount.plus(other)),
      method('quantity_add_int', [quantity, intType], quantity, (amount, other) => amount.plus(other)),
    ),
    named(
      'sub',
      method('quantity_sub', [quantity, quantity], quantity, (amount, other) => amount.minus(other)),
      method('quantity_sub_int', [quantity, intType], quantity, (amount, other) => amount.minus(other)),
    ),
    named(
      'isGreaterThan',
      method(
        'quantity_is_greater_than',
        [quantity, quantity],
        boolType,
        (amount, other) => amount.compareTo(other) > 0,
      ),
    ),
    named(
      'isLessThan',
      method('quantity_is_less_than', [quantity, quantity], boolType, (amount, other) => amount.compareTo(other) < 0),
    ),
    named(
      'compareTo',
      method('quantity_compare_to', [quantity, quantity], intType, (amount, other) => BigInt(amount.compareTo(other))),
    ),
  ],
};
