import { expect, it } from 'vitest';
import { unstructuredError } from './unstructured-error.ts';

const apiService = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService';

// What a strategic merge patch of an APIService's `caBundle` is refused with by Kubernetes v1.35.
it.each([
  [true, 'cannot restore slice from bool'],
  [1, 'cannot restore slice from int64'],
  [1.5, 'cannot restore slice from float64'],
  [{}, 'cannot restore slice from map'],
  [['x'], 'unrecognized type: uint8'],
  [[1, 2], undefined],
  ['YQ==', undefined],
])('says of bytes given as %j', (caBundle, problem) => {
  expect(unstructuredError(apiService, { spec: { caBundle } })).toBe(problem);
});

// What a strategic merge patch of a ConfigMap's `deletionTimestamp` is refused with by Kubernetes v1.35.
it.each([
  [5, 'json: cannot unmarshal number into Go value of type string'],
  [true, 'json: cannot unmarshal bool into Go value of type string'],
  [{}, 'json: cannot unmarshal object into Go value of type string'],
  [[], 'json: cannot unmarshal array into Go value of type string'],
  ['2020-01-01T00:00:00Z', undefined],
])('says of a time given as %j', (deletionTimestamp, problem) => {
  expect(unstructuredError('io.k8s.api.core.v1.ConfigMap', { metadata: { deletionTimestamp } })).toBe(problem);
});

it('reads a time where it stands, before what comes later', () => {
  const problem = 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"';
  const lease = { metadata: { creationTimestamp: 'x' }, spec: { holderIdentity: 5 } };
  expect(unstructuredError('io.k8s.api.coordination.v1.Lease', lease)).toBe(problem);
  const after = { spec: { holderIdentity: 5, renewTime: 'x' } };
  expect(unstructuredError('io.k8s.api.coordination.v1.Lease', after)).toBe('cannot convert int64 to string');
});
