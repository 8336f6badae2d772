import { type ApiRequest, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { ResourceRegistry } from '../registry/index.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

class CountingStorage extends MemoryStorage {
  namespaces = 0;

  override get(...args: Parameters<MemoryStorage['get']>): ReturnType<MemoryStorage['get']> {
    if (args[0].startsWith('/registry/namespaces/')) this.namespaces++;
    return super.get(...args);
  }
}

const admin = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };

it('reads the namespace of a request once, however many policies look at it', async () => {
  const storage = new CountingStorage();
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  const create = (target: Omit<ApiRequest, 'verb'>) => registry.handle({ ...target, verb: 'create' }, admin);
  const core = { group: '', version: 'v1' };
  const policies = { group: 'admissionregistration.k8s.io', version: 'v1' };
  await create({ ...core, resource: 'namespaces', body: { metadata: { name: 'n', labels: { a: 'b' } } } });
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };
  const match = { namespaceSelector: { matchLabels: { a: 'b' } } };
  for (const name of ['p', 'q']) {
    await create({
      ...policies,
      resource: 'validatingadmissionpolicies',
      body: {
        metadata: { name },
        spec: {
          matchConstraints: { ...match, resourceRules: [rule] },
          validations: [{ expression: "namespaceObject.metadata.labels.a == 'b' && object.metadata.name != 'x'" }],
        },
      },
    });
    await create({
      ...policies,
      resource: 'validatingadmissionpolicybindings',
      body: { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'], matchResources: match } },
    });
  }
  const configMap = (name: string) =>
    create({ ...core, resource: 'configmaps', namespace: 'n', body: { metadata: { name } } });
  await expect(configMap('x')).rejects.toThrow("ValidatingAdmissionPolicy 'p' with binding 'p' denied request");
  storage.namespaces = 0;
  await configMap('y');
  expect(storage.namespaces).toBe(1);
  await registry.close();
});
