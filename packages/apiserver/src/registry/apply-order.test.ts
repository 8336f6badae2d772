import { type ApiRequest, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

// The answer is a real v1.35.4's.
it('looks at what nobody owns so far before what is applied to it', async () => {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  const target = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default' } as const;
  const ask = (request: ApiRequest) => registry.handle(request, { name: 'admin', groups: ['system:masters'] });
  await ask({ verb: 'create', ...target, body: { metadata: { name: 'a' }, secrets: [{}] } });
  const apply = ask({
    verb: 'patch',
    ...target,
    name: 'a',
    patchType: 'application/apply-patch+yaml',
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' }, secrets: [{ name: 5 }] },
    options: { fieldManager: 'one' },
  });
  await expect(apply).rejects.toMatchObject({
    code: 500,
    message: expect.stringMatching(/^failed to create manager for existing fields: .*omits all key fields \["name"\]/),
  });
});
