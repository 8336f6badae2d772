import { expect, it } from 'vitest';
import { resourceTable, storageVersionHash } from './index.ts';

it('is the hash that Kubernetes gives', () => {
  const hashed = resourceTable().resources.filter(
    // CRDs are stored in a version that the API no longer has.
    (each) => each.storageVersionHash !== undefined && each.resource !== 'customresourcedefinitions',
  );
  expect(hashed.length).toBeGreaterThan(60);
  for (const { group, version, kind, storage, storageVersionHash: hash } of hashed) {
    expect(storageVersionHash(storage?.group ?? group, storage?.version ?? version, kind)).toBe(hash);
  }
});
