import {
  ConfigMap,
  isStatusError,
  LimitRange,
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  Secret,
  Service,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inProcessTransport, ResourceRegistry } from '../../registry/index.ts';
import { MemoryStorage } from '../../storage/memory-storage.ts';

const logger = silentLogger;
const user = { name: 'admin', groups: ['system:masters'] };
const namespace = 'default';
let registries: readonly ResourceRegistry[];
let clients: readonly ReturnType<typeof createClient>[];

beforeEach(() => {
  // Two servers on one store: neither knows what the other has charged but through the quota itself.
  const storage = new MemoryStorage();
  const options = { storage, clock: systemClock, random: systemRandom, logger };
  registries = [new ResourceRegistry(options), new ResourceRegistry(options)];
  clients = registries.map((registry) => createClient(inProcessTransport(registry, user)));
});

afterEach(async () => {
  for (const registry of registries) await registry.close();
});

const client = (at = 0) => clients[at % clients.length]!;

async function quota(hard: Record<string, string>, used: Record<string, string> = {}, more = {}) {
  const made = await client().create(ResourceQuota, { metadata: { name: 'q', namespace }, spec: { hard, ...more } });
  const zero = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
  return client().updateStatus(ResourceQuota, { ...made, status: { hard, used: { ...zero, ...used } } });
}
const used = async () => (await client().get(ResourceQuota, { name: 'q', namespace })).status?.used;
const refusal = async (write: Promise<unknown>) => {
  const error = await write.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isStatusError(error) ? error.message : error;
};
const pod = (name: string, resources = {}, spec = {}) => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
});

describe('ResourceQuota', () => {
  it('never gives away more than there is, whoever asks at once', async () => {
    await quota({ 'count/configmaps': '25' });
    const writes = Array.from({ length: 80 }, (_, at) =>
      client(at).create(ConfigMap, { metadata: { name: `c${at}`, namespace } }),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter((each) => each.status === 'fulfilled').length).toBe(25);
    expect((await client().list(ConfigMap, { namespace })).items.length).toBe(25);
    expect(await used()).toEqual({ 'count/configmaps': '25' });
  });

  it('says what is missing, unknown and exceeded in the words of Kubernetes', async () => {
    await quota({ cpu: '1', 'limits.memory': '1Gi', pods: '5' });
    expect(await refusal(client().create(Pod, pod('a')))).toBe(
      'pods "a" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c',
    );
    expect(
      await refusal(client().create(Pod, pod('a', { requests: { cpu: '2' }, limits: { cpu: '2', memory: '1Mi' } }))),
    ).toBe('pods "a" is forbidden: exceeded quota: q, requested: cpu=2, used: cpu=0, limited: cpu=1');
    await client().create(Pod, pod('a', { requests: { cpu: '500m' }, limits: { memory: '512Mi' } }));
    expect(await used()).toEqual({ cpu: '500m', 'limits.memory': '512Mi', pods: '1' });
  });

  it('waits for a quota that nobody has counted for yet', async () => {
    await client().create(ResourceQuota, { metadata: { name: 'q', namespace }, spec: { hard: { pods: '1' } } });
    const made = await client().get(ResourceQuota, { name: 'q', namespace });
    await client().updateStatus(ResourceQuota, { ...made, status: { hard: { pods: '1' } } });
    expect(await refusal(client().create(Pod, pod('a')))).toBe(
      'pods "a" is forbidden: status unknown for quota: q, resources: pods',
    );
  });

  it('charges only what its scopes are about, and nothing for a dry run', async () => {
    await quota({ pods: '1' }, {}, { scopes: ['BestEffort'] });
    await client().create(Pod, pod('a', { requests: { cpu: '1' } }));
    await client().create(Pod, pod('b'), { dryRun: ['All'] });
    expect(await used()).toEqual({ pods: '0' });
    await client().create(Pod, pod('b'));
    expect(await refusal(client().create(Pod, pod('c')))).toMatch('exceeded quota');
  });

  it('charges what an update takes more, and gives nothing back for what it takes less', async () => {
    await quota({ 'services.nodeports': '2' });
    const made = await client().create(Service, {
      metadata: { name: 's', namespace },
      spec: { ports: [{ port: 80 }] },
    });
    const exposed = await client().update(Service, { ...made, spec: { ...made.spec, type: 'NodePort' } });
    expect(await used()).toEqual({ 'services.nodeports': '1' });
    const hidden = await client().update(Service, { ...exposed, spec: { ...exposed.spec, type: 'ClusterIP' } });
    // As a real v1.35.4 answers: only a count gives it back.
    expect(await used()).toEqual({ 'services.nodeports': '1' });
    await client().update(Service, { ...hidden, spec: { ...hidden.spec, type: 'NodePort' } });
    expect(await used()).toEqual({ 'services.nodeports': '2' });
  });

  it('asks nothing of containers where the pod as a whole says something', async () => {
    await quota({ 'requests.cpu': '2', 'limits.memory': '1Gi' });
    await client().create(Pod, pod('a', {}, { resources: { requests: { cpu: '1' } } }));
    expect(await used()).toEqual({ 'requests.cpu': '1', 'limits.memory': '0' });
    expect(await refusal(client().create(Pod, pod('b', {}, { resources: {} })))).toBe(
      'pods "b" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    );
  });

  it('has a pod that gets a deadline as a new one, where only such pods count', async () => {
    await quota({ pods: '1' }, {}, { scopes: ['Terminating'] });
    const limited = async (name: string) => {
      const made = await client().create(Pod, pod(name));
      return client().update(Pod, { ...made, spec: { ...made.spec, activeDeadlineSeconds: 60 } });
    };
    await limited('a');
    expect(await used()).toEqual({ pods: '1' });
    expect(await refusal(limited('b'))).toBe(
      'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    );
  });

  it('names all that has to be counted where one of them is not', async () => {
    const made = await quota({ secrets: '2', 'count/secrets': '3' });
    await client().updateStatus(ResourceQuota, { ...made, status: { ...made.status, used: { secrets: '0' } } });
    expect(await refusal(client().create(Secret, { metadata: { name: 's', namespace } }))).toBe(
      'secrets "s" is forbidden: status unknown for quota: q, resources: count/secrets,secrets',
    );
  });

  it('has a claim that comes into its scope as a new one, and counts what its status reports, room or not', async () => {
    const slow = { scopeName: 'VolumeAttributesClass', operator: 'In', values: ['slow'] };
    await quota(
      { persistentvolumeclaims: '2', 'requests.storage': '10Gi' },
      {},
      { scopeSelector: { matchExpressions: [slow] } },
    );
    const made = await client().create(PersistentVolumeClaim, {
      metadata: { name: 'c', namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'x',
        volumeAttributesClassName: 'fast',
        resources: { requests: { storage: '1Gi' } },
      },
    });
    expect(await used()).toEqual({ persistentvolumeclaims: '0', 'requests.storage': '0' });
    const report = async (status: PersistentVolumeClaim['status']) => {
      const now = await client().get(PersistentVolumeClaim, made.metadata);
      await client().updateStatus(PersistentVolumeClaim, { ...now, status: { ...now.status, ...status } });
    };
    await report({ phase: 'Bound', currentVolumeAttributesClassName: 'slow' });
    expect(await used()).toEqual({ persistentvolumeclaims: '1', 'requests.storage': '1Gi' });
    await report({ allocatedResources: { storage: '30Gi' } });
    expect(await used()).toEqual({ persistentvolumeclaims: '1', 'requests.storage': '30Gi' });
    await report({ currentVolumeAttributesClassName: 'fast', allocatedResources: { storage: '2Gi' } });
    expect(await used()).toEqual({ persistentvolumeclaims: '1', 'requests.storage': '30Gi' });
  });
});

describe('LimitRanger', () => {
  it('fills in what is missing and holds to the bounds', async () => {
    await client().create(LimitRange, {
      metadata: { name: 'l', namespace },
      spec: {
        limits: [
          {
            type: 'Container',
            max: { cpu: '1' },
            default: { cpu: '500m' },
            defaultRequest: { cpu: '200m' },
            maxLimitRequestRatio: { cpu: '3' },
          },
          { type: 'Pod', max: { memory: '1Gi' } },
        ],
      },
    });
    const made = await client().create(Pod, pod('a', { limits: { memory: '1Gi' } }));
    expect(made.spec.containers[0]?.resources).toMatchObject({ limits: { cpu: '500m' }, requests: { cpu: '200m' } });
    expect(made.metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    });
    expect(
      await refusal(client().create(Pod, pod('b', { requests: { cpu: '100m' }, limits: { cpu: '2', memory: '2Gi' } }))),
    ).toBe(
      'pods "b" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 3, but provided ratio is 20.000000, maximum memory usage per Pod is 1Gi, but limit is 2Gi]',
    );
  });

  it('holds a pod that is resized to the bounds by what it says alone, with what is missing filled in', async () => {
    const made = await client().create(Pod, pod('a', { requests: { cpu: '500m' }, limits: { cpu: '1' } }));
    const containerStatuses = [
      {
        name: 'c',
        image: 'i',
        imageID: 'i',
        ready: true,
        restartCount: 0,
        resources: { requests: { cpu: '4' }, limits: { cpu: '5' } },
      },
    ];
    await client().updateStatus(Pod, { ...made, status: { ...made.status, phase: 'Running', containerStatuses } });
    await client().create(LimitRange, {
      metadata: { name: 'l', namespace },
      spec: {
        limits: [
          { type: 'Pod', max: { cpu: '2' } },
          { type: 'Container', default: { memory: '1Gi' } },
        ],
      },
    });
    const resize = async (limit: string) => {
      const resources = { requests: { cpu: '750m' }, limits: { cpu: limit } };
      const strategic = { spec: { containers: [{ name: 'c', resources }] } };
      const next = await client().patch(Pod, { name: 'a', namespace }, { strategic }, { subresource: 'resize' });
      return next.spec.containers?.[0]?.resources;
    };
    expect(await resize('1500m')).toEqual({
      requests: { cpu: '750m', memory: '1Gi' },
      limits: { cpu: '1500m', memory: '1Gi' },
    });
    expect(await refusal(resize('3'))).toBe('pods "a" is forbidden: maximum cpu usage per Pod is 2, but limit is 3');
  });
});
