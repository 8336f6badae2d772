import { expect, it } from 'vitest';
import { formatFields, parseFields } from './fields-v1.ts';
import type { MergeType } from './merge-type.ts';
import { reconciledFields } from './reconcile.ts';

const scalar: MergeType = { scalar: 'string' };
const mapOf = (atomic: boolean, fields: Readonly<Record<string, MergeType>>): MergeType => ({
  map: {
    atomic,
    fields: new Map(Object.entries(fields).map(([name, type]) => [name, { type, keyDefault: undefined }])),
    element: undefined,
  },
});
const listOf = (atomic: boolean): MergeType => ({
  list: { atomic, keys: ['name'], item: mapOf(false, { name: scalar }) },
});
const sent = {
  'f:spec': { 'f:map': { '.': {}, 'f:a': {} }, 'f:list': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } },
};
const reconciled = (type: MergeType, fields: object) => formatFields(reconciledFields(type, parseFields(fields)));

it('owns as a whole what has become atomic, and nothing more of what has become granular', () => {
  const granular = mapOf(false, { spec: mapOf(false, { map: mapOf(false, { a: scalar }), list: listOf(false) }) });
  const atomic = mapOf(false, { spec: mapOf(false, { map: mapOf(true, { a: scalar }), list: listOf(true) }) });
  const whole = { 'f:spec': { 'f:map': {}, 'f:list': {} } };
  expect(reconciled(atomic, sent)).toEqual(whole);
  expect(reconciled(mapOf(false, { spec: mapOf(true, {}) }), sent)).toEqual({ 'f:spec': {} });
  const fields = parseFields(sent);
  expect(reconciledFields(granular, fields)).toBe(fields);
  expect(reconciled(granular, whole)).toEqual(whole);
});
