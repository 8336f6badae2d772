import type { Pod } from '@keelson/core';
import { systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { MemoryStorage } from '../../../storage/memory-storage.ts';
import { ResourceRegistry } from '../../resource-registry.ts';

const prefix = 'container.apparmor.security.beta.kubernetes.io/';
const warning = `metadata.annotations[${prefix}a]: deprecated since v1.30; use the "appArmorProfile" field instead`;

type Context = Pod['spec']['securityContext'];

// As a real v1.35.4 answers: annotation, field of the pod, field of the container → field of the container, warnings.
it.each<[string, Context, Context, Context, readonly string[]]>([
  ['unconfined', undefined, undefined, { appArmorProfile: { type: 'Unconfined' } }, [warning]],
  ['runtime/default', undefined, undefined, { appArmorProfile: { type: 'RuntimeDefault' } }, [warning]],
  [
    'localhost/foo',
    undefined,
    undefined,
    { appArmorProfile: { type: 'Localhost', localhostProfile: 'foo' } },
    [warning],
  ],
  ['', undefined, undefined, undefined, [warning]],
  ['localhost/', undefined, undefined, undefined, [warning]],
  ['runtime/default', { appArmorProfile: { type: 'RuntimeDefault' } }, undefined, undefined, []],
  [
    'unconfined',
    { appArmorProfile: { type: 'RuntimeDefault' } },
    undefined,
    { appArmorProfile: { type: 'Unconfined' } },
    [warning],
  ],
  [
    'unconfined',
    undefined,
    { appArmorProfile: { type: 'Unconfined' } },
    { appArmorProfile: { type: 'Unconfined' } },
    [],
  ],
])('the annotation %j of an AppArmor profile becomes a field', async (annotation, ofPod, ofContainer, expected, warnings) => {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  const body = {
    metadata: { name: 'x', annotations: { [`${prefix}a`]: annotation } },
    spec: {
      ...(ofPod && { securityContext: ofPod }),
      containers: [{ name: 'a', image: 'i', ...(ofContainer && { securityContext: ofContainer }) }],
    },
  };
  const request = { verb: 'create', group: '', version: 'v1', resource: 'pods', namespace: 'default', body } as const;
  const answer = await registry.handle(request, { name: 'a', groups: ['system:masters'] });
  if (answer.type !== 'object') throw new Error(answer.type);
  const pod = answer.value.object as Pod;
  expect(pod.spec.containers?.[0]?.securityContext).toEqual(expected);
  expect(answer.warnings ?? []).toEqual(warnings);
  await registry.close();
});
