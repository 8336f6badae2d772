import type { Pod } from '@keelson/core';
import { isStatusError, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryStorage } from '../../../storage/memory-storage.ts';
import { warningsOf } from '../../error-warnings.ts';
import { ResourceRegistry } from '../../resource-registry.ts';

const admin = { name: 'a', groups: ['system:masters'] };
let registry: ResourceRegistry;
beforeEach(() => {
  const storage = new MemoryStorage();
  registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
});
afterEach(() => registry.close());

/** What is warned of, and the refusal. */
async function asked(request: object): Promise<{ readonly warnings: readonly string[]; readonly causes: unknown }> {
  const whole = { group: '', version: 'v1', namespace: 'default', verb: 'create', resource: 'pods', ...request };
  try {
    const answer = await registry.handle(whole as Parameters<ResourceRegistry['handle']>[0], admin);
    return { warnings: (answer.type === 'object' && answer.warnings) || [], causes: undefined };
  } catch (error) {
    if (!isStatusError(error)) throw error;
    const causes = error.status.details?.causes?.map(({ field, message }) => `${field}: ${message}`);
    return { warnings: warningsOf(error), causes };
  }
}
const podOf = (spec: object, annotations: Record<string, string> = {}) => ({
  body: { metadata: { name: 'x', annotations }, spec: { containers: [{ name: 'a', image: 'i' }], ...spec } },
});
const at = (port: object) => [{ containerPort: 80, protocol: 'TCP', ...port }];

// All as a real v1.35.4 answers.
it.each<[object, object, string]>([
  [{ hostIP: '127.0.0.1' }, { hostIP: '::1' }, 'overlapping'],
  [{ hostIP: '127.0.0.1' }, { hostIP: '127.0.0.1' }, 'duplicate'],
  [{}, { hostIP: '127.0.0.1' }, 'overlapping'],
  [{ hostIP: '127.0.0.1' }, { hostPort: 80 }, 'overlapping'],
])('ports %j and %j of one number are %s', async (one, other, how) => {
  const containers = [
    { name: 'a', image: 'i', ports: at(one) },
    { name: 'b', image: 'i', ports: at(other) },
  ];
  const { warnings } = await asked(podOf({ containers }));
  expect(warnings.filter((each) => !each.includes('hostIP set without hostPort'))).toEqual([
    `spec.containers[1].ports[0]: ${how} port definition with spec.containers[0].ports[0]`,
  ]);
});

const appArmor = 'container.apparmor.security.beta.kubernetes.io/a';
const old = `metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`;
const mismatch =
  'spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match';

it('an old annotation is told of though the pod is refused, and is held against what the pod says', async () => {
  const ofPod = { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } };
  expect(await asked(podOf(ofPod, { [appArmor]: 'other' }))).toEqual({
    warnings: [old],
    causes: [
      `metadata.annotations[${appArmor}]: Invalid value: "other": invalid AppArmor profile name: "other"`,
      mismatch,
    ],
  });
  expect(await asked(podOf(ofPod, { [appArmor]: '' }))).toEqual({ warnings: [old], causes: [mismatch] });
});

it('a seccomp annotation that cannot be read fits no field, and is refused twice where it is changed', async () => {
  const annotation = 'seccomp.security.alpha.kubernetes.io/pod';
  const unreadable = `metadata.annotations.${annotation}: Invalid value: "other": must be a valid seccomp profile`;
  const ofPod = { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } };
  expect((await asked(podOf(ofPod, { [annotation]: 'other' }))).causes).toEqual([
    unreadable,
    'spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match',
  ]);
  await asked(podOf({}));
  const body = { metadata: { annotations: { [annotation]: 'other' } } };
  const patch = { verb: 'patch', name: 'x', patchType: 'application/merge-patch+json', body };
  expect((await asked(patch)).causes).toEqual([unreadable, unreadable]);
});

it('a Deployment is warned of when its annotations change, as these make a new generation', async () => {
  const template = {
    metadata: { labels: { a: 'b' }, annotations: { [appArmor]: 'unconfined' } },
    spec: { containers: [{ name: 'a', image: 'i' }] } satisfies Pod['spec'],
  };
  const warning = `spec.template.${old}`;
  const of = { group: 'apps', resource: 'deployments' };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  expect((await asked({ ...of, body: { metadata: { name: 'x' }, spec } })).warnings).toEqual([warning]);
  const patch = (metadata: object) => ({
    ...of,
    verb: 'patch',
    name: 'x',
    patchType: 'application/merge-patch+json',
    body: { metadata },
  });
  expect((await asked(patch({ annotations: { c: 'd' } }))).warnings).toEqual([warning]);
  expect((await asked(patch({ labels: { c: 'd' } }))).warnings).toEqual([]);
  // What the pod says of all its containers makes the annotation needless.
  const said = { ...template.spec, securityContext: { appArmorProfile: { type: 'Unconfined' } } };
  const body = { metadata: { name: 'y' }, spec: { ...spec, template: { ...template, spec: said } } };
  expect((await asked({ ...of, body })).warnings).toEqual([]);
});

it.each<[Record<string, string>, readonly string[]]>([
  [{ cpu: '2', 'limits.cpu': '1' }, ['ResourceQuota cpu (2) should be less than limits.cpu (1)']],
  [{ cpu: '2', 'requests.cpu': '1', 'limits.cpu': '1500m' }, []],
  [
    { 'requests.cpu': '0.5', 'limits.cpu': '0.25' },
    ['ResourceQuota requests.cpu (500m) should be less than limits.cpu (250m)'],
  ],
  [{ 'ephemeral-storage': '2', 'limits.ephemeral-storage': '1' }, []],
])('a quota of %j is warned of with %j', async (hard, expected) => {
  const { warnings } = await asked({ resource: 'resourcequotas', body: { metadata: { name: 'x' }, spec: { hard } } });
  expect(warnings).toEqual(expected);
});

it('each container that a resize changes otherwise than it may is a cause', async () => {
  const container = (name: string) => ({ name, image: 'i', resources: { limits: { cpu: '1' } } });
  const initContainers = [container('i'), { ...container('j'), restartPolicy: 'Always' }];
  await asked(podOf({ containers: [container('a'), container('b')], initContainers }));
  const amounts = { 'ephemeral-storage': '1Gi' };
  const more = (name: string) => ({ name, resources: { requests: amounts, limits: amounts } });
  const spec = { containers: [more('a'), more('b')], initContainers: [more('i'), more('j')] };
  const patch = { verb: 'patch', name: 'x', patchType: 'application/strategic-merge-patch+json' };
  expect((await asked({ ...patch, subresource: 'resize', body: { spec } })).causes).toEqual([
    'spec: Forbidden: only cpu and memory resources are mutable',
    'spec: Forbidden: only cpu and memory resources are mutable',
    'spec: Forbidden: resources for non-sidecar init containers are immutable',
    'spec: Forbidden: only cpu and memory resources for sidecar containers are mutable',
  ]);
});
