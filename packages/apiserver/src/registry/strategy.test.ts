import { expect, it } from 'vitest';
import { FieldErrors } from './strategy.ts';

it('integers are shown with all their digits', () => {
  const errors = new FieldErrors();
  // As a real v1.35.4 says of an integer that is too large for it.
  errors.invalid('a', -(2 ** 63), 'must be greater than or equal to zero');
  errors.invalid('a', -1e18, 'is wrong');
  errors.invalid('a', -1.5, 'is wrong');
  expect(errors.list.map(({ message }) => message)).toEqual([
    'Invalid value: -9223372036854775808: must be greater than or equal to zero',
    'Invalid value: -1000000000000000000: is wrong',
    'Invalid value: -1.5: is wrong',
  ]);
});
