import { FakeClock } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { builtinKinds } from '../registry/builtin-kinds.ts';
import { servedVersions } from '../registry/runtime-config.ts';
import { encodeObject } from '../registry/stored-object.ts';
import { TablePrinter } from '../table/index.ts';
import { frameEncoder } from './watch-frames.ts';

const kinds = builtinKinds([], servedVersions({}));

it.each([
  ['configmaps', [true, false, false]],
  // As Kubernetes v1.35 answers for all types of events.
  ['apiservices', [true, true, true]],
])('says the columns of %s', (resource, expected) => {
  const kind = kinds.find(({ served }) => served.resource === resource && served.version === 'v1');
  if (!kind) throw new Error(resource);
  const encode = frameEncoder({
    format: { mediaType: 'application/json', pretty: false, as: 'Table', metaVersion: 'v1' },
    resource: kind.served,
    tables: new TablePrinter(new FakeClock()),
    includeObject: 'Metadata',
  });
  const value = encodeObject({
    apiVersion: kind.apiVersion,
    kind: kind.served.kind,
    metadata: { name: 'x' },
  });
  const given = (['ADDED', 'MODIFIED', 'DELETED'] as const).map((type) => {
    const event: { readonly object: { readonly columnDefinitions: unknown } } = JSON.parse(String(encode(type, value)));
    return Array.isArray(event.object.columnDefinitions);
  });
  expect(given).toEqual(expected);
});
