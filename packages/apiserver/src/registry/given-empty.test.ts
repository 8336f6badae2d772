import { type ApiRequest, systemRandom } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

const admin = { name: 'admin', groups: ['system:masters'] };

function open() {
  const clock = new FakeClock();
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock,
    random: systemRandom,
    logger: silentLogger,
    runtimeConfig: { 'api/all': true },
  });
  const write = async (request: ApiRequest) => {
    const answer = await registry.handle(request, admin);
    if (answer.type !== 'object') throw new Error('no object was answered');
    return answer.value.object.metadata;
  };
  return { registry, clock, write };
}

// All answers are a real v1.35.4's.
describe('an empty list in the place of none', () => {
  it('changes a network policy, unless a default comes in its place', async () => {
    const { write } = open();
    const target = { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', namespace: 'default' };
    await write({ verb: 'create', ...target, body: { metadata: { name: 'a' } } });
    const put = (spec: object): ApiRequest => ({
      verb: 'update',
      ...target,
      name: 'a',
      body: { metadata: { name: 'a' }, spec },
    });
    expect((await write(put({ podSelector: {}, policyTypes: [] }))).generation).toBe(1);
    expect((await write(put({ podSelector: {}, egress: [], policyTypes: ['Ingress'] }))).generation).toBe(2);
  });

  it('is owned where the version that is asked for writes null', async () => {
    const { write } = open();
    const target = { group: 'resource.k8s.io', version: 'v1beta1', resource: 'resourceclaims', namespace: 'default' };
    const body = { metadata: { name: 'c' }, spec: { devices: { requests: [] } } };
    const { managedFields } = await write({ verb: 'create', ...target, body });
    expect(managedFields?.[0]?.fieldsV1).toEqual({ 'f:spec': { 'f:devices': { 'f:requests': {} } } });
  });
});

describe('a watch that begins with what there is at a version to come', () => {
  it('is on only when it came, or did not in time', async () => {
    const { registry, clock } = open();
    const options = { resourceVersion: '99', sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } as const;
    let isOn = false;
    const watch: ApiRequest = { verb: 'watch', group: '', version: 'v1', resource: 'configmaps', options };
    const answer = registry.handle(watch, admin).then((found) => {
      isOn = true;
      return found;
    });
    await clock.advance(1000);
    expect(isOn).toBe(false);
    await clock.advance(3000);
    const { type } = await answer;
    expect(type).toBe('watch');
    await registry.close();
  });
});
