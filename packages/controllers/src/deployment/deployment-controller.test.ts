import { Deployment, Namespace, Pod, ReplicaSet, systemClock } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readyStatus, startTestCluster, type TestCluster } from '../../test/test-cluster.ts';
import { replicaSetPlugin } from '../replicaset/plugin.ts';
import { ReplicaSetController } from '../replicaset/replicaset-controller.ts';
import { DeploymentController } from './deployment-controller.ts';
import { deploymentPlugin } from './plugin.ts';

let cluster: TestCluster;
let number = 0;
const namespace = () => `deploy-${process.pid}-${number}`;
const web = () => ({ namespace: namespace(), name: 'web' });

beforeEach(async () => {
  number += 1;
  cluster = await startTestCluster({
    controllers: (as) => {
      const own = as(deploymentPlugin);
      const pods = as(replicaSetPlugin);
      return [
        new DeploymentController(own.client, own.informers, own.recorder, own.clock),
        new ReplicaSetController(pods.client, pods.informers, pods.recorder, pods.clock),
      ];
    },
    node: (pod) =>
      pod.spec.containers[0]?.image === 'never:ready' ? { phase: 'Running' } : readyStatus(pod, systemClock),
  });
  await cluster.client.create(Namespace, { metadata: { name: namespace() }, spec: {} });
});

afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
});

function create(spec: Partial<Deployment['spec']> = {}, image = 'image:1') {
  return cluster.client.create(Deployment, {
    metadata: { ...web(), annotations: { foo: 'bar' } },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template(image), ...spec },
  });
}

function template(image: string) {
  const labels = { app: 'web' };
  return { metadata: { name: '', labels }, spec: { nodeName: 'n1', containers: [{ name: 'main', image }] } };
}

const get = () => cluster.client.get(Deployment, web());
const pods = async () => (await cluster.client.list(Pod, { namespace: namespace() })).items;
const replicaSets = async () => (await cluster.client.list(ReplicaSet, { namespace: namespace() })).items;
const setImage = (image: string) =>
  cluster.client.patch(Deployment, web(), {
    strategic: { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } },
  });

/** Complete, by the rules of `kubectl rollout status`. */
function rolledOut() {
  return waitFor(
    async () => {
      const { metadata, spec, status = {} } = await get();
      const done =
        status.observedGeneration === metadata.generation &&
        status.updatedReplicas === spec.replicas &&
        status.replicas === spec.replicas &&
        status.availableReplicas === spec.replicas &&
        status.conditions?.some(({ reason }) => reason === 'NewReplicaSetAvailable');
      return done ? { metadata, spec, status } : undefined;
    },
    { what: `the rollout; errors: ${cluster.errors.join('\n')}` },
  );
}

describe('a Deployment', { timeout: 30_000 }, () => {
  it('brings up its pods, and tells so as Kubernetes does', async () => {
    await create();
    const { metadata, status } = await rolledOut();
    const [replicaSet, ...others] = await replicaSets();
    const name = replicaSet?.metadata.name ?? '';
    expect(others).toEqual([]);
    expect(metadata.annotations).toEqual({ foo: 'bar', 'deployment.kubernetes.io/revision': '1' });
    expect(replicaSet?.metadata.annotations).toEqual({
      foo: 'bar',
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
    });
    expect(status.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ['Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'],
      ['Progressing', 'True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has successfully progressed.`],
    ]);
    expect(cluster.events).toContain(`ScalingReplicaSet: Scaled up replica set ${name} from 0 to 3`);
    expect(cluster.events.filter((event) => event.startsWith('SuccessfulCreate: Created pod: ')).length).toBe(3);
    expect((await pods()).length).toBe(3);
  });

  it('rolls to a new image without ever having fewer pods than promised, and back', async () => {
    await create();
    await rolledOut();
    const [first] = await replicaSets();
    let fewest = 3;
    let most = 3;
    const abort = new AbortController();
    const watching = (async () => {
      for await (const { object } of cluster.client.watch(Deployment, {
        namespace: namespace(),
        signal: abort.signal,
      })) {
        fewest = Math.min(fewest, object.status?.availableReplicas ?? 0);
        most = Math.max(most, object.status?.replicas ?? 0);
      }
    })().catch((error: unknown) => expect(abort.signal.aborted, String(error)).toBe(true));
    await setImage('image:2');
    const rolled = await rolledOut();
    expect(rolled.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    await setImage('image:1');
    const back = await rolledOut();
    expect(back.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
    abort.abort();
    await watching;
    expect([fewest, most]).toEqual([3, 4]);
    const again = (await replicaSets()).find(({ metadata }) => metadata.uid === first?.metadata.uid);
    expect(again?.spec.replicas).toBe(3);
    expect(again?.metadata.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1');
    expect((await replicaSets()).length).toBe(2);
  });

  it('scales, pauses and resumes', async () => {
    await create();
    await rolledOut();
    await cluster.client.patch(Deployment, web(), { merge: { spec: { replicas: 5 } } });
    await rolledOut();
    await cluster.client.patch(Deployment, web(), { merge: { spec: { paused: true } } });
    await waitFor(async () => (await get()).status?.conditions?.some(({ reason }) => reason === 'DeploymentPaused'));
    await setImage('image:2');
    await cluster.client.patch(Deployment, web(), { merge: { spec: { replicas: 2 } } });
    await waitFor(async () => (await pods()).length === 2);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).toEqual(['image:1', 'image:1']);
    await cluster.client.patch(Deployment, web(), { merge: { spec: { paused: null } } });
    await rolledOut();
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).toEqual(['image:2', 'image:2']);
  });

  it('recreates: nothing new before all old is gone', async () => {
    await create({ strategy: { type: 'Recreate' } });
    await rolledOut();
    const images = new Set<string>();
    let mixed = false;
    const abort = new AbortController();
    const watching = (async () => {
      for await (const { object } of cluster.client.watch(Pod, { namespace: namespace(), signal: abort.signal })) {
        if (object.status?.phase === 'Pending') images.add(object.spec.containers[0]?.image ?? '');
        if (images.has('image:2')) mixed ||= (await pods()).some(({ spec }) => spec.containers[0]?.image === 'image:1');
      }
    })().catch((error: unknown) => expect(abort.signal.aborted, String(error)).toBe(true));
    await setImage('image:2');
    await waitFor(async () => (await get()).metadata.annotations?.['deployment.kubernetes.io/revision'] === '2');
    await rolledOut();
    abort.abort();
    await watching;
    expect(mixed).toBe(false);
  });

  it('recreates once the old ReplicaSet says that its pods are gone, though they are', async () => {
    await using alone = await startTestCluster({
      controllers: (as) => {
        const { client, informers, recorder, clock } = as(deploymentPlugin);
        return [new DeploymentController(client, informers, recorder, clock)];
      },
    });
    const { client } = alone;
    number += 1;
    await client.create(Namespace, { metadata: { name: namespace() }, spec: {} });
    const spec = { replicas: 1, selector: { matchLabels: { app: 'web' } }, strategy: { type: 'Recreate' } };
    await client.create(Deployment, { metadata: web(), spec: { ...spec, template: template('image:1') } });
    const all = async () => (await client.list(ReplicaSet, { namespace: namespace() })).items;
    const first = await waitFor(async () => (await all())[0]);
    const say = (replicas: number) =>
      client.patch(ReplicaSet, first.metadata, { merge: { status: { replicas } } }, { subresource: 'status' });
    await say(1);
    await waitFor(async () => (await client.get(Deployment, web())).status?.replicas === 1);
    await client.patch(Deployment, web(), { merge: { spec: { template: template('image:2') } } });
    await waitFor(async () => (await all())[0]?.spec?.replicas === 0);
    const { metadata } = await client.patch(Deployment, web(), { merge: { spec: { minReadySeconds: 1 } } });
    await waitFor(async () => (await client.get(Deployment, web())).status?.observedGeneration === metadata.generation);
    expect(await all()).toHaveLength(1);
    await say(0);
    await waitFor(async () => (await all()).length === 2);
  });

  it('keeps the old pods when the new ones do not get ready, and says that time ran out', async () => {
    await create({ progressDeadlineSeconds: 1 });
    await rolledOut();
    await setImage('never:ready');
    const stuck = await waitFor(async () => {
      const { status } = await get();
      return status?.conditions?.find(({ reason }) => reason === 'ProgressDeadlineExceeded');
    });
    expect(stuck).toMatchObject({ type: 'Progressing', status: 'False' });
    expect((await get()).status).toMatchObject({
      replicas: 4,
      updatedReplicas: 1,
      availableReplicas: 3,
      unavailableReplicas: 1,
    });
  });

  it('keeps so many old revisions as it should', async () => {
    await create({ revisionHistoryLimit: 1 });
    for (const image of ['image:2', 'image:3', 'image:4']) {
      await rolledOut();
      await setImage(image);
      await waitFor(async () => (await get()).status?.observedGeneration === (await get()).metadata.generation);
    }
    await rolledOut();
    await waitFor(async () => (await replicaSets()).length === 2);
  });

  it('replaces a pod that was deleted, and adopts one that fits', async () => {
    await create();
    await rolledOut();
    const [victim, released] = await pods();
    await cluster.client.delete(Pod, victim!.metadata);
    await waitFor(async () => {
      const present = await pods();
      return present.length === 3 && !present.some(({ metadata }) => metadata.uid === victim!.metadata.uid);
    });
    await cluster.client.patch(Pod, released!.metadata, { merge: { metadata: { labels: { app: 'other' } } } });
    await waitFor(async () => (await pods()).length === 4);
    expect((await cluster.client.get(Pod, released!.metadata)).metadata.ownerReferences ?? []).toEqual([]);
    await cluster.client.patch(Pod, released!.metadata, { merge: { metadata: { labels: { app: 'web' } } } });
    await waitFor(async () => (await pods()).length === 3);
  });
});
