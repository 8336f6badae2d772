import type { CustomResourceDefinition } from '@keelson/core';
import { expect, it } from 'vitest';
import { decideNames } from './crd-names.ts';

const names = { plural: 'others', kind: 'Other', shortNames: ['others', 'th', 'ok'] };
const things = { plural: 'things', kind: 'Thing', shortNames: ['th'] };
const definition = (acceptedNames?: object) =>
  ({ metadata: { name: 'x' }, spec: { names }, ...(acceptedNames && { status: { acceptedNames } }) }) as unknown;
const messageOf = (given: unknown, others: readonly (typeof things)[]) =>
  decideNames(given as CustomResourceDefinition, others).findings[0]?.message;

// As a real kube-apiserver v1.35.4 says, which looks again once it has granted what is free.
it('grants no name twice, not even to the same definition', () => {
  expect(messageOf(definition(), [])).toBe('no conflicts found');
  expect(messageOf(definition(), [things])).toBe('"th" is already in use');
  const { accepted } = decideNames(definition() as CustomResourceDefinition, [things]);
  expect(accepted).toEqual({ plural: 'others', kind: 'Other' });
  expect(messageOf(definition(accepted), [things])).toBe('["others" is already in use, "th" is already in use]');
});
