import { expect, it } from 'vitest';
import { FieldErrors } from '../registry/strategy.ts';
import { validateScale } from './scale-validation.ts';

const paths = {
  specReplicas: ['spec', 'a', 'replicas'],
  statusReplicas: ['status', 'b', 'replicas'],
  selector: ['status', 'sel'],
};
const invalid = (field: string, message: string) => ({ field, message: `Invalid value: ${message}` });

// The words of a real API server (v1.35.4).
it.each([
  [{ spec: null }, undefined],
  [{ spec: { a: { replicas: -1 } } }, invalid('.spec.a.replicas', '-1: should be a non-negative integer')],
  [
    { spec: { a: { replicas: 'x' } } },
    invalid('.spec.a.replicas', '0: .spec.a.replicas accessor error: x is of the type string, expected int64'),
  ],
  [
    { spec: { a: { replicas: 3_000_000_000 } } },
    invalid('.spec.a.replicas', '3000000000: should be less than or equal to 2147483647'),
  ],
  [
    { spec: { a: 7 } },
    invalid(
      '.spec.a.replicas',
      '0: .spec.a.replicas accessor error: 7 is of the type int64, expected map[string]interface{}',
    ),
  ],
  [
    { spec: { a: { replicas: null } } },
    invalid('.spec.a.replicas', '0: .spec.a.replicas accessor error: <nil> is of the type <nil>, expected int64'),
  ],
  [
    { spec: 7 },
    invalid('.spec.a.replicas', '0: .spec.a accessor error: 7 is of the type int64, expected map[string]interface{}'),
  ],
  [{ status: { b: { replicas: -1 } } }, invalid('.status.b.replicas', '-1: should be a non-negative integer')],
  [
    { status: { sel: 3 } },
    invalid('.status.sel', '"": .status.sel accessor error: 3 is of the type int64, expected string'),
  ],
  [{ spec: { a: { replicas: 2_147_483_647 } }, status: { sel: 'a in' } }, undefined],
  [{}, undefined],
])('looks at %j', (object, wrong) => {
  const errors = new FieldErrors();
  validateScale(object, paths, errors);
  expect(errors.list).toEqual(wrong === undefined ? [] : [{ type: 'FieldValueInvalid', ...wrong }]);
});

// Asked of a real API server (v1.35.4): an object that another version without scale took is not refused its status.
it('holds an update of the status to what the status says alone', () => {
  const errors = new FieldErrors();
  validateScale({ spec: { a: { replicas: -1 } }, status: { b: { replicas: 1 }, sel: 'a' } }, paths, errors, 'status');
  expect(errors.list).toEqual([]);
  validateScale({ spec: { a: { replicas: -1 } }, status: { b: { replicas: -1 } } }, paths, errors, 'status');
  expect(errors.list.map((each) => each.field)).toEqual(['.status.b.replicas']);
});
