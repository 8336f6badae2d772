import { describe, expect, it } from 'vitest';
import { deepFreeze } from './deep-freeze.ts';
import type { JsonObject } from './json.ts';
import { leftoverOfPatch } from './strategic-merge-leftover.ts';
import { applyStrategicMergePatch, type PatchField, type PatchSchema } from './strategic-merge-patch.ts';

const type = (typeName: string, fields: Record<string, PatchField>): PatchSchema => ({
  typeName,
  field: (name) => fields[name],
});
const named: PatchField = { patchStrategy: ['merge'], patchMergeKey: 'name', list: true };
const container = type('Container', {
  env: { ...named, schema: type('EnvVar', { valueFrom: {} }) },
  args: { list: true },
});
const schema = type('Pod', {
  finalizers: { patchStrategy: ['merge'], list: true },
  tolerations: { list: true },
  none: { list: true },
  selector: { list: false },
  labels: {},
  containers: { ...named, schema: container },
  others: { ...named, schema: container },
  keyless: { ...named, schema: container },
  strategy: { patchStrategy: ['retainKeys'], schema: type('Strategy', { rollingUpdate: {} }) },
});

const original = deepFreeze({
  finalizers: ['a.b/c', 'd.e/f'],
  labels: { a: 'b' },
  tolerations: [{ key: 'a' }],
  containers: [
    { name: 'c', image: 'i', env: [{ name: 'A', value: '1' }], args: ['x'] },
    { name: 'e', image: 'i' },
  ],
  keyless: [{}],
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
});
const patched = (patch: unknown) => applyStrategicMergePatch(original, patch, schema);
const names = (patch: unknown) => {
  const { containers } = patched(patch);
  return Array.isArray(containers)
    ? containers.map((each: { name: string; image: string }) => `${each.name}:${each.image}`)
    : [];
};

/** Each expectation is what a v1.35 API server made of the same patch. */
describe('strategic merge patch', () => {
  it('merges lists by key: the patch first, then the rest of the server', () => {
    expect(
      names({
        containers: [
          { name: 'q', image: 'n' },
          { name: 'c', image: 'k' },
        ],
      }),
    ).toEqual(['q:n', 'c:k', 'e:i']);
    expect(
      names({
        containers: [
          { name: 'e', image: 'k' },
          { name: 'c', image: 'k' },
        ],
      }),
    ).toEqual(['e:k', 'c:k']);
    expect(names({ containers: [{ name: 'e', image: 'k' }] })).toEqual(['c:i', 'e:k']);
  });

  it('knows delete and replace in lists', () => {
    expect(names({ containers: [{ name: 'c', $patch: 'delete' }] })).toEqual(['e:i']);
    expect(names({ containers: [{ $patch: 'replace' }, { name: 'z', image: 'z' }] })).toEqual(['z:z']);
  });

  it('orders by $setElementOrder', () => {
    expect(names({ '$setElementOrder/containers': [{ name: 'e' }, { name: 'c' }] })).toEqual(['e:i', 'c:i']);
    expect(patched({ '$setElementOrder/finalizers': ['x.y/z', 'd.e/f'], finalizers: ['x.y/z'] })['finalizers']).toEqual(
      ['x.y/z', 'a.b/c', 'd.e/f'],
    );
  });

  it('merges and deletes scalars', () => {
    expect(patched({ finalizers: ['x.y/z', 'd.e/f'] })['finalizers']).toEqual(['x.y/z', 'a.b/c', 'd.e/f']);
    expect(patched({ finalizers: [] })['finalizers']).toEqual(['a.b/c', 'd.e/f']);
    expect(patched({ '$deleteFromPrimitiveList/finalizers': ['a.b/c'] })['finalizers']).toEqual(['d.e/f']);
    expect(
      patched({ '$deleteFromPrimitiveList/finalizers': ['a.b/c'], finalizers: ['a.b/c', 'x.y/z'] })['finalizers'],
    ).toEqual(['a.b/c', 'x.y/z', 'd.e/f']);
    expect(patched({ finalizers: null })['finalizers']).toBeUndefined();
  });

  it('keeps only what $retainKeys names', () => {
    expect(patched({ strategy: { $retainKeys: ['type'], type: 'Recreate' } })['strategy']).toEqual({
      type: 'Recreate',
    });
    expect(() => patched({ strategy: { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: {} } })).toThrow(
      'invalid patch format of retainKeys',
    );
  });

  it('replaces and deletes objects', () => {
    expect(patched({ strategy: { $patch: 'replace', type: 'Recreate' } })['strategy']).toEqual({ type: 'Recreate' });
    expect(patched({ strategy: { $patch: 'delete' } })['strategy']).toEqual({});
  });

  it('replaces lists without a strategy, and keeps nulls of new elements, which say nothing', () => {
    expect(
      patched({
        containers: [
          { name: 'c', args: ['y'] },
          { name: 'n', env: null },
        ],
      })['containers'],
    ).toEqual([
      { name: 'c', image: 'i', env: [{ name: 'A', value: '1' }], args: ['y'] },
      { name: 'n', env: null },
      { name: 'e', image: 'i' },
    ]);
  });

  it('takes a list to delete from as any other patch where it is none', () => {
    expect(patched({ '$deleteFromPrimitiveList/labels': { z: 'y' } })['labels']).toEqual({ a: 'b', z: 'y' });
    expect(patched({ '$deleteFromPrimitiveList/labels': null })['labels']).toBeUndefined();
    expect(patched({ '$deleteFromPrimitiveList/labels': 'x' })['labels']).toEqual({ a: 'b' });
    expect(patched({ '$deleteFromPrimitiveList/none': ['x'] })).toEqual(original);
    expect(names({ '$deleteFromPrimitiveList/containers': [{ name: 'c', image: 'z' }] })).toEqual(['c:z', 'e:i']);
  });

  it('takes away what a directive of another shape stands for, and keeps lists in lists', () => {
    expect(patched({ containers: { $patch: 'other' } })['containers']).toBeUndefined();
    expect(patched({ other: [[]] })['other']).toEqual([[]]);
  });

  it('adds at the end what an empty order does not name', () =>
    expect(patched({ '$setElementOrder/finalizers': [], finalizers: ['x.y/z'] })['finalizers']).toEqual([
      'a.b/c',
      'd.e/f',
      'x.y/z',
    ]));

  it('keeps nulls of a new list that has an order', () =>
    expect(
      patched({ '$setElementOrder/others': [{ name: 'n' }], others: [{ name: 'n', args: null }] })['others'],
    ).toEqual([{ name: 'n', args: null }]));

  it('refuses what the real server crashes over', () => {
    for (const patch of [
      { '$setElementOrder/tolerations': [] },
      { '$setElementOrder/finalizers': [{}] },
      { '$setElementOrder/none': [{}], none: [] },
      { containers: [{ name: {} }] },
    ])
      expect(() => patched(patch)).toThrow('must be strings, numbers or booleans');
  });

  it.each<[unknown, string]>([
    [{ containers: [{ image: 'x' }] }, 'map: map[image:x] does not contain declared merge key: name'],
    [{ containers: [{ $patch: 'delete' }] }, 'map: map[$patch:delete] does not contain declared merge key: name'],
    [{ containers: [{ name: 'c', $patch: 'merge' }] }, 'merging lists cannot yet be specified in the patch'],
    [{ containers: [{ name: 'c', $patch: 'foo' }] }, 'unknown patch type: foo in map: map[$patch:foo name:c]'],
    [{ strategy: { $patch: 1 } }, 'unknown patch type: %!s(int64=1) in map: map[$patch:1]'],
    [{ finalizers: [{ a: 1 }] }, 'list element types are not identical: [[a.b/c d.e/f] [map[a:1]]]'],
    [{ '$setElementOrder/containers': {} }, 'expected a []interface {}, but received a map[string]interface {}'],
    [{ '$setElementOrder/containers': [1] }, 'value for key 0 is not a map'],
    [{ '$setElementOrder/containers': [{}, 'x'] }, 'value for key 1 is not a map'],
    [{ '$setElementOrder/keyless': ['x'] }, 'map: map[] does not contain declared merge key: name'],
    [{ '$setElementOrder/nope': [1] }, 'unable to find api field in struct Pod for the json field "nope"'],
    [
      { '$setElementOrder/finalizers': ['q'], finalizers: ['x'] },
      "The order in patch list:\n[x]\n doesn't match $setElementOrder list:\n[q]\n",
    ],
    [{ '$setElementOrder/none': [], none: [] }, 'no elements in any of the given slices'],
    [{ '$setElementOrder/containers': null }, 'expected a []interface {}, but received a %!s(<nil>)'],
    [{ '$setElementOrder/containers': 5 }, 'expected a []interface {}, but received a int64'],
    [{ '$setElementOrder/containers': [], containers: null }, 'expected a []interface {}, but received a %!s(<nil>)'],
    [{ '$setElementOrder/selector': [] }, 'expected slice or array type, but got: struct'],
    [{ $setElementOrder: [] }, 'invalid patch format of setElementOrder list'],
    [{ $deleteFromPrimitiveList: [] }, 'invalid patch format of primitive list'],
    [
      { '$setElementOrder/containers': [{ name: 'c' }], containers: ['x'] },
      'expected a map[string]interface {}, but received a string',
    ],
    [
      { '$setElementOrder/containers': [null], containers: [{ name: 'c' }] },
      'expected a map[string]interface {}, but received a %!s(<nil>)',
    ],
    [{ '$deleteFromPrimitiveList/tolerations': [] }, 'cannot merge lists without merge key for struct'],
    [{ '$deleteFromPrimitiveList/tolerations': ['x'] }, 'list element types are not identical: [[map[key:a]] [x]]'],
    [{ $patch: null }, 'unknown patch type: %!s(<nil>) in map: map[$patch:<nil>]'],
    [{ $patch: {} }, 'unknown patch type: map[] in map: map[$patch:map[]]'],
    [[], 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ])('refuses %j', (patch, message) => expect(() => patched(patch)).toThrow(expect.objectContaining({ message })));
});

describe('what is left of a patch', () => {
  it('shows elements of one key as one', () => {
    const patch = { containers: [{ name: 'n' }, { name: 'n', image: 'x' }] };
    expect(leftoverOfPatch(original, patch, schema)).toEqual({
      containers: [
        { name: 'n', image: 'x' },
        { name: 'n', image: 'x' },
      ],
    });
  });

  it('has no directives within what is new', () => {
    const left = (patch: JsonObject) => leftoverOfPatch({}, patch, schema);
    const list = [{ $patch: 'replace' }, { key: 'a', value: null }, null];
    expect(left({ strategy: { $retainKeys: [], type: { $patch: 'delete' }, list } })).toEqual({
      strategy: { $retainKeys: [], list: [{ key: 'a' }, null] },
    });
    expect(left({ strategy: { $patch: 'delete', a: null } })).toEqual({ strategy: { $patch: 'delete' } });
    expect(left({ strategy: [{ $patch: 'x' }] })).toEqual({ strategy: [{ $patch: 'x' }] });
  });
});
