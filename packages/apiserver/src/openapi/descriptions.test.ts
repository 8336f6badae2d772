import { expect, it } from 'vitest';
import { withDescriptions } from './descriptions.ts';

const identity = { 'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Site', version: 'v1' }] };

it('says what the fields are that all kinds have, and leaves the words of others alone', () => {
  const site = {
    properties: { apiVersion: { type: 'string' }, kind: { description: 'mine' }, spec: {} },
    ...identity,
  };
  expect(withDescriptions('com.example.v1.Site', site)).toEqual({
    ...site,
    properties: {
      apiVersion: { type: 'string', description: expect.stringMatching(/^APIVersion defines /) },
      kind: { description: 'mine' },
      spec: {},
    },
  });
  const part = { properties: { kind: { type: 'string' } } };
  expect(withDescriptions('io.k8s.api.core.v1.ObjectReference', part)).toBe(part);
});
