import { type ApiRequest, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

function open() {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  const admin = { name: 'admin', groups: ['system:masters'] };
  return {
    ask: (request: ApiRequest) => registry.handle(request, admin),
    review: (request: ApiRequest) => registry.review(request, admin, (asked) => asked),
  };
}

// All answers are a real v1.35.4's.
describe('what is answered at once', () => {
  it('comes back with empty lists as they were given', async () => {
    const { review } = open();
    const resourceAttributes = { verb: 'get', resource: 'pods' };
    const answer = await review({
      verb: 'create',
      group: 'authorization.k8s.io',
      version: 'v1',
      resource: 'subjectaccessreviews',
      body: { spec: { user: 'u', groups: [], resourceAttributes, extra: { a: [], b: null, c: ['d'] } } },
    });
    expect(answer).toMatchObject({
      value: { object: { spec: { user: 'u', resourceAttributes, extra: { a: [], b: null, c: ['d'] } } } },
    });
  });

  it('is given no name', async () => {
    const { review } = open();
    const answer = await review({
      verb: 'create',
      group: 'authentication.k8s.io',
      version: 'v1',
      resource: 'tokenreviews',
      body: { metadata: { generateName: 'a-' }, spec: { token: 'x' } },
    });
    if (answer.type !== 'object') throw new Error('no object was answered');
    const { name, generateName } = answer.value.object.metadata;
    expect({ name, generateName }).toEqual({ name: undefined, generateName: 'a-' });
  });
});

describe('a driver that asks for tokens', () => {
  it('is warned of when it begins to, and when it asks for others', async () => {
    const { ask } = open();
    const target = { group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers' } as const;
    await ask({ verb: 'create', ...target, body: { metadata: { name: 'w' } } });
    const warned = async (body: object) => {
      const patch = { verb: 'patch', ...target, name: 'w', patchType: 'application/merge-patch+json', body } as const;
      const answer = await ask(patch);
      return answer.type === 'object' ? (answer.warnings?.length ?? 0) : undefined;
    };
    const tokens = (audience: string) => ({ tokenRequests: [{ audience }] });
    expect(await warned({ spec: tokens('a') })).toBe(1);
    expect(await warned({ spec: tokens('a') })).toBe(0);
    expect(await warned({ metadata: { labels: { a: 'b' } } })).toBe(0);
    expect(await warned({ spec: tokens('b') })).toBe(1);
    expect(await warned({ spec: { ...tokens('c'), serviceAccountTokenInSecrets: false } })).toBe(0);
    expect(await warned({ spec: { serviceAccountTokenInSecrets: null } })).toBe(0);
  });
});
