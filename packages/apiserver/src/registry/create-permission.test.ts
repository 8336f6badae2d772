import { systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

/** Who asks may do all but create. */
function open() {
  return new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    disabledAdmission: ['NamespaceLifecycle'],
    authorizer: {
      authorize: ({ verb }) => ({ allowed: verb !== 'create', reason: '' }),
    },
  });
}

const user = { name: 'up', groups: ['system:authenticated'] };
const lease = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'y', name: 'c' } as const;
const body = (spec: object) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'c' },
  spec,
});
const apply = {
  verb: 'patch',
  patchType: 'application/apply-patch+yaml',
  options: { fieldManager: 'm' },
} as const;

// All answers are a real v1.35.4's.
describe('an update or apply that would create', () => {
  const refused = {
    code: 403,
    message:
      'leases.coordination.k8s.io "c" is forbidden: User "up" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "y"',
  };

  it('asks for leave to create', async () => {
    const registry = open();
    const given = body({ leaseDurationSeconds: 1 });
    await expect(registry.handle({ verb: 'update', ...lease, body: given }, user)).rejects.toMatchObject(refused);
    await expect(registry.handle({ ...apply, ...lease, body: given }, user)).rejects.toMatchObject(refused);
    await expect(
      registry.handle({ verb: 'update', ...lease, body: given, options: { dryRun: ['All'] } }, user),
    ).rejects.toMatchObject(refused);
  });

  it('asks only once the object is valid', async () => {
    const message =
      'Lease.coordination.k8s.io "c" is invalid: spec.leaseDurationSeconds: Invalid value: -1: must be greater than 0';
    const given = body({ leaseDurationSeconds: -1 });
    await expect(open().handle({ verb: 'update', ...lease, body: given }, user)).rejects.toMatchObject({ message });
  });
});
