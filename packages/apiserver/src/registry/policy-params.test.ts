import { type ApiRequest, systemRandom } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

const below = '/registry/configmaps/';

class CountingStorage extends MemoryStorage {
  reads = 0;

  override get(...args: Parameters<MemoryStorage['get']>): ReturnType<MemoryStorage['get']> {
    if (args[0].startsWith(below)) this.reads++;
    return super.get(...args);
  }

  override list(...args: Parameters<MemoryStorage['list']>): ReturnType<MemoryStorage['list']> {
    if (args[0].startsWith(below)) this.reads++;
    return super.list(...args);
  }
}

const admin = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
const core = { group: '', version: 'v1' };
const policies = { group: 'admissionregistration.k8s.io', version: 'v1' };
const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }];

describe('parameters of policies', () => {
  let clock: FakeClock;
  let storage: CountingStorage;
  let registry: ResourceRegistry;
  const create = (target: Omit<ApiRequest, 'verb'>) => registry.handle({ ...target, verb: 'create' }, admin);
  const inN = { ...core, namespace: 'n' };
  const configMap = (name: string, max: string) => ({
    ...inN,
    resource: 'configmaps',
    name,
    body: { metadata: { name, labels: { role: 'param' } }, data: { max } },
  });
  const secret = () =>
    create({ ...inN, resource: 'secrets', options: { dryRun: ['All'] }, body: { metadata: { name: 's' } } });
  const bind = (paramRef: object) =>
    create({
      ...policies,
      resource: 'validatingadmissionpolicybindings',
      body: { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'], paramRef } },
    });

  beforeEach(async () => {
    clock = new FakeClock();
    storage = new CountingStorage();
    registry = new ResourceRegistry({ storage, clock, random: systemRandom, logger: silentLogger });
    await create({ ...core, resource: 'namespaces', body: { metadata: { name: 'n' } } });
    await create({
      ...policies,
      resource: 'validatingadmissionpolicies',
      body: {
        metadata: { name: 'p' },
        spec: {
          paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
          matchConstraints: { resourceRules: rules },
          validations: [{ expression: "params.data.max != 'none'", messageExpression: "'by ' + params.metadata.name" }],
        },
      },
    });
  });
  afterEach(() => registry.close());

  it('are read once and followed from then on', async () => {
    await create(configMap('one', 'none'));
    await bind({ name: 'one', parameterNotFoundAction: 'Deny' });
    await expect(secret()).rejects.toThrow('denied request: by one');
    storage.reads = 0;
    await expect(secret()).rejects.toThrow('denied request: by one');
    expect(storage.reads).toBe(0);
    await registry.handle({ ...configMap('one', 'some'), verb: 'update' }, admin);
    await expect.poll(() => secret().then(() => 'taken', String)).toBe('taken');
    await registry.handle({ ...inN, resource: 'configmaps', name: 'one', verb: 'delete' }, admin);
    await expect.poll(() => secret().catch(String)).toContain('no params found');
  });

  it('are found by their labels', async () => {
    await create(configMap('two', 'some'));
    await bind({ selector: { matchLabels: { role: 'param' } }, parameterNotFoundAction: 'Allow' });
    await secret();
    await create(configMap('three', 'none'));
    await expect.poll(() => secret().catch(String)).toContain('denied request: by three');
  });

  it('are no longer followed when nobody has asked for a while', async () => {
    await create(configMap('one', 'some'));
    await bind({ name: 'one', parameterNotFoundAction: 'Deny' });
    await secret();
    await clock.advance(4 * 60_000);
    await secret();
    await clock.advance(4 * 60_000);
    storage.reads = 0;
    await secret();
    expect(storage.reads).toBe(0);
    await clock.advance(11 * 60_000);
    await secret();
    expect(storage.reads).toBe(1);
  });
});
