import { readFileSync } from 'node:fs';
import { type KubernetesObject, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { apiServerUser } from '../registry/api-server-user.ts';
import { ResourceRegistry } from '../registry/index.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { bootstrap } from './bootstrap.ts';

const group = 'rbac.authorization.k8s.io';
const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';
const rules = [{ apiGroups: ['x'], resources: ['y'], verbs: ['get'] }];
const mine = { kind: 'User', apiGroup: group, name: 'mine' };
const elsewhere = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
const frozen = { annotations: { [autoUpdate]: 'false' } };
const bare = { labels: null, annotations: null };
const partial = [{ apiGroups: ['', 'events.k8s.io'], resources: ['events', 'nodes'], verbs: ['create', 'get'] }];
const view = { apiGroup: group, kind: 'ClusterRole', name: 'view' };

/** What somebody does to what every cluster has: merge patches; `undefined` deletes, `made` makes anew. */
const doings: readonly (readonly [
  object: string,
  merge?: object,
  made?: { readonly metadata?: object; readonly roleRef: object; readonly subjects: object },
])[] = [
  ['clusterroles/system:basic-user', { metadata: bare }],
  ['clusterroles/system:discovery', { rules: [{ nonResourceURLs: ['/api', '/healthz'], verbs: ['get'] }, ...rules] }],
  ['clusterroles/system:public-info-viewer', { metadata: frozen, rules: [] }],
  [
    'clusterroles/system:kube-scheduler',
    { rules: partial, metadata: { labels: { mine: 'x' }, annotations: { mine: 'y', [autoUpdate]: 'other' } } },
  ],
  ['clusterroles/view', { aggregationRule: elsewhere }],
  ['clusterroles/cluster-admin', { aggregationRule: elsewhere, rules }],
  ['clusterroles/system:node-proxier'],
  ['clusterroles/admin', { metadata: frozen, aggregationRule: null, rules }],
  ['clusterroles/edit', { metadata: { labels: null }, aggregationRule: null, rules }],
  ['clusterrolebindings/system:basic-user', { subjects: [mine], metadata: bare }],
  [
    'clusterrolebindings/system:discovery',
    undefined,
    { metadata: { labels: { mine: 'x' } }, roleRef: view, subjects: [mine] },
  ],
  ['clusterrolebindings/system:public-info-viewer', { metadata: frozen, subjects: [mine] }],
  ['clusterrolebindings/system:kube-scheduler', undefined, { metadata: frozen, roleRef: view, subjects: [mine] }],
  ['clusterrolebindings/system:node-proxier'],
  ['roles/extension-apiserver-authentication-reader', { rules, metadata: { labels: null } }],
  ['roles/system:controller:token-cleaner', { rules: [], metadata: frozen }],
  ['rolebindings/system:controller:token-cleaner', { subjects: [mine] }],
  ['rolebindings/system:controller:cloud-provider', undefined, { roleRef: view, subjects: [mine] }],
];

// Recorded: what a real kube-apiserver 1.35.4 made of the same at its next start.
const recorded = readFileSync(new URL('./recorded-reconciliation.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => z.object({ object: z.string(), becomes: z.looseObject({}) }).parse(JSON.parse(line)));

it('puts right what every cluster has, as kube-apiserver does at its start', async () => {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  const options = { handler: registry, user: apiServerUser, grants: [] };
  await bootstrap(options);
  const target = (object: string) => {
    const [resource = '', name = ''] = object.split('/');
    const namespace = resource.startsWith('cluster') ? {} : { namespace: 'kube-system' };
    return { group, version: 'v1', resource, name, ...namespace };
  };
  const read = async (object: string) => {
    const answer = await registry.handle({ ...target(object), verb: 'get' }, apiServerUser);
    if (answer.type !== 'object') throw new Error(`${object} was not answered as an object`);
    return answer.value.object;
  };
  for (const [object, merge, made] of doings) {
    const { name, ...place } = target(object);
    const patchType = 'application/merge-patch+json';
    if (merge) await registry.handle({ ...place, name, verb: 'patch', patchType, body: merge }, apiServerUser);
    else await registry.handle({ ...place, name, verb: 'delete' }, apiServerUser);
    const metadata = { ...made?.metadata, name };
    if (made) await registry.handle({ ...place, verb: 'create', body: { ...made, metadata } }, apiServerUser);
  }
  await bootstrap(options);
  for (const { object, becomes } of recorded) {
    expect([object, settled(await read(object))]).toEqual([object, becomes]);
  }
  const before = (await storage.list('')).revision;
  await bootstrap(options);
  expect((await storage.list('')).revision, 'nothing is written where all is right').toBe(before);
});

function settled({ apiVersion, kind, metadata, ...rest }: KubernetesObject): object {
  const { uid, resourceVersion, creationTimestamp, managedFields, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
