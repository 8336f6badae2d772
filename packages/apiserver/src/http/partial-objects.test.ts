import type { KubernetesObject } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtinKinds } from '../registry/builtin-kinds.ts';
import type { EncodedObject } from '../registry/contract.ts';
import type { ObjectDraft } from '../registry/draft.ts';
import { servedVersions } from '../registry/runtime-config.ts';
import { DecodeCache, encodeForStorage } from '../registry/stored-object.ts';
import { TablePrinter } from '../table/index.ts';
import { encodeList, encodeObject } from './encode-answer.ts';
import type { Pieces } from './join-list.ts';
import type { OutputFormat } from './negotiate.ts';
import { encodeProtobuf } from './protobuf/envelope.ts';
import { frameEncoder } from './watch-frames.ts';

const kinds = builtinKinds([], servedVersions({}));
const tables = new TablePrinter(new FakeClock());

function context(resource: string, as: OutputFormat['as'], mediaType: OutputFormat['mediaType'] = 'application/json') {
  const kind = kinds.find(({ served }) => served.resource === resource && served.version === 'v1');
  if (!kind) throw new Error(resource);
  const format = { mediaType, pretty: false, metaVersion: 'v1', ...(as && { as }) };
  return { format, resource: kind.served, tables, includeObject: 'Metadata' as const };
}

/** As it is stored, and not decoded. */
function stored(object: KubernetesObject, revision = 7): EncodedObject {
  const draft: ObjectDraft = JSON.parse(JSON.stringify(object));
  const value = encodeForStorage(draft);
  return new DecodeCache(() => undefined).get({ key: '/x', value, modRevision: revision, createRevision: 1 });
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"}', '\\', '\\"', '{[', '"metadata":{', '\u2028'),
);
const object = fc.record({
  kind: fc.constant('ConfigMap'),
  apiVersion: fc.constant('v1'),
  metadata: fc.record(
    {
      name: text,
      annotations: fc.dictionary(text, text),
      finalizers: fc.array(text),
      generation: fc.nat(),
      managedFields: fc.array(fc.record({ manager: text, fieldsV1: fc.dictionary(text, fc.constant({})) })),
    },
    { requiredKeys: ['name'] },
  ),
  data: fc.dictionary(text, text),
}) as unknown as fc.Arbitrary<KubernetesObject>;

async function whole(given: Uint8Array | Pieces): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  if (given instanceof Uint8Array) pieces.push(given);
  else for await (const each of given) pieces.push(each);
  return Buffer.concat(pieces);
}

const expected = ({ metadata }: KubernetesObject, revision = 7) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { ...metadata, resourceVersion: `${revision}` },
});

describe('metadata alone', () => {
  it('is what is stored of it, without looking into the rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(object, { minLength: 1, maxLength: 4 }), async (objects) => {
        const values = objects.map((each, index) => stored(each, index + 1));
        const wanted = objects.map((each, index) => expected(each, index + 1));
        const one = context('configmaps', 'PartialObjectMetadata');
        const [first] = values;
        if (!first) return;
        expect(JSON.parse(Buffer.from(encodeObject(first, one)).toString())).toEqual(wanted[0]);
        for (const alone of [true, false]) {
          const frame = frameEncoder(one)('ADDED', first, alone);
          expect(JSON.parse(String(frame))).toEqual({ type: 'ADDED', object: wanted[0] });
        }
        const list = { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '9' }, items: values };
        const answer = await whole(await encodeList(list, context('configmaps', 'PartialObjectMetadataList')));
        expect(JSON.parse(answer.toString())).toEqual({
          kind: 'PartialObjectMetadataList',
          apiVersion: 'meta.k8s.io/v1',
          metadata: { resourceVersion: '9' },
          items: wanted,
        });
      }),
    );
  });

  it('is without annotations that stand for fields of another version', () => {
    const daemonSet = stored({
      kind: 'DaemonSet',
      apiVersion: 'apps/v1',
      metadata: { name: 'a', annotations: { 'deprecated.daemonset.template.generation': '1', kept: 'yes' } },
    });
    const frame = frameEncoder(context('daemonsets', 'PartialObjectMetadata'))('ADDED', daemonSet, true);
    expect(JSON.parse(String(frame)).object.metadata).toEqual({
      name: 'a',
      annotations: { kept: 'yes' },
      resourceVersion: '7',
    });
  });

  it('is the same in protobuf, whether or not the object is decoded', () => {
    const given = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'a', labels: { b: '}"' } },
      data: { c: 'd' },
    };
    const encode = frameEncoder(context('configmaps', 'PartialObjectMetadata', 'application/vnd.kubernetes.protobuf'));
    const [decoded, not] = [stored(given), stored(given)];
    expect(decoded.object.metadata.resourceVersion).toBe('7');
    expect(encode('ADDED', not, true)).toEqual(encode('ADDED', decoded));
  });

  it.each([1, 300])('is a list in protobuf, of %i', async (count) => {
    const objects = Array.from({ length: count }, (_, at) => ({
      ...{ kind: 'ConfigMap', apiVersion: 'v1', data: { c: 'd' } },
      metadata: { name: `a-${at}`, labels: { at: `${at}` } },
    }));
    const list = { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '9' } };
    const format = context('configmaps', 'PartialObjectMetadataList', 'application/vnd.kubernetes.protobuf');
    const items = objects.map((each, at) => stored(each, at));
    const head = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: list.metadata };
    const inOne = encodeProtobuf({ ...head, ...{ items: objects.map(expected) } });
    expect(await whole(await encodeList({ ...list, items }, format))).toEqual(inOne);
  });
});
