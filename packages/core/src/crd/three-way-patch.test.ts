import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMergePatch, isJsonObject, type JsonObject } from '../machinery/index.ts';
import { covers, threeWayPatch } from './three-way-patch.ts';

describe('threeWayPatch', () => {
  it('leaves alone what others have added', () => {
    const live = { spec: { replicas: 2, strategy: 'x', containers: [{ name: 'c', policy: 'default' }] }, status: {} };
    expect(threeWayPatch({}, { spec: { replicas: 2, containers: [{ name: 'c' }] } }, live)).toBeUndefined();
  });

  it('sets what differs and removes what is no longer wished', () => {
    const previous = { a: 1, labels: { x: '1', y: '2' } };
    expect(threeWayPatch(previous, { labels: { x: '3' } }, { a: 1, labels: { x: '1', y: '2', z: '9' } })).toEqual({
      a: null,
      labels: { x: '3', y: null },
    });
  });

  it('replaces a list whose wish changed, also when what is left is still in it', () => {
    const live = { list: [{ name: 'c', env: [{ name: 'A' }], policy: 'default' }] };
    const previous = { list: [{ name: 'c', env: [{ name: 'A' }] }] };
    expect(threeWayPatch(previous, { list: [{ name: 'c' }] }, live)).toEqual({ list: [{ name: 'c' }] });
    expect(threeWayPatch({ list: [{ name: 'c' }] }, { list: [{ name: 'c' }] }, live)).toBeUndefined();
  });

  it('does not mind empty objects and lists that the server leaves out', () => {
    expect(threeWayPatch({}, { spec: { volumes: [], selector: {} } }, { spec: {} })).toBeUndefined();
  });

  it('once applied, leaves nothing to do, and brings about what is desired', () => {
    const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('x', 'y', ''), fc.boolean());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(
        fc.constantFrom('a', 'b', 'c'),
        fc.oneof({ maxDepth: 3 }, scalar, tie('tree'), fc.array(fc.oneof(scalar, tie('tree')), { maxLength: 3 })),
        { maxKeys: 3 },
      ),
    }));
    const object = tree.filter((each): each is JsonObject => isJsonObject(each));
    fc.assert(
      fc.property(object, object, object, (previous, desired, live) => {
        const patch = threeWayPatch(previous, desired, live) ?? {};
        const result = applyMergePatch(live, patch);
        if (!isJsonObject(result)) throw new Error('not an object');
        expect(covers(result, desired)).toBe(true);
        expect(threeWayPatch(desired, desired, result)).toBeUndefined();
      }),
    );
  });
});
