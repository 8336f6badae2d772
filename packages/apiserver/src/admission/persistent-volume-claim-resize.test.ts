import { isStatusError, PersistentVolumeClaim, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { inProcessTransport, ResourceRegistry } from '../registry/index.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

// As a real v1.35.4 answers.
it('a claim without a class that grows may shrink as far as its own rules let it, and not grow', async () => {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
  const ref = { name: 'c', namespace: 'default' };
  const resources = (size: string) => ({ resources: { requests: { storage: size } } });
  const made = await client.create(PersistentVolumeClaim, {
    metadata: ref,
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'x', ...resources('10Gi') },
  });
  await client.updateStatus(PersistentVolumeClaim, { ...made, status: { phase: 'Bound' } });
  const ask = (size: string) => client.patch(PersistentVolumeClaim, ref, { merge: { spec: resources(size) } });
  expect((await ask('2Gi')).spec.resources?.requests).toEqual({ storage: '2Gi' });
  const refused = await ask('3Gi').catch((error: unknown) => error);
  expect(isStatusError(refused) && refused.message).toBe(
    'persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  );
  await registry.close();
});
