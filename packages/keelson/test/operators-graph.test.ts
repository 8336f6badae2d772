import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import { deploymentPlugin, garbageCollectorPlugin, replicaSetPlugin, serviceAccountPlugin } from '@keelson/controllers';
import {
  ConfigMap,
  Deployment,
  defineExternal,
  defineOperator,
  defineResource,
  isStatusError,
  Pod,
  ReplicaSet,
  Service,
  SubjectAccessReview,
} from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const Shop = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ domain: z.string() }),
  status: z.object({
    conditions: z.array(
      z.object({
        type: z.string(),
        status: z.enum(['True', 'False', 'Unknown']),
        reason: z.string(),
        message: z.string(),
        observedGeneration: z.int().optional(),
        lastTransitionTime: z.string(),
      }),
    ),
  }),
});

const ref = { name: 'corner', namespace: 'default' };
const labels = { app: 'shop' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'x' }] } };

describe('dependents on a real API server', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  it('come in their order and go in the other one, to the last pod', async () => {
    const zones = new Map<string, string>();
    const journal: string[] = [];
    const zone = defineExternal(Shop, {
      observe: async ({ spec }) => zones.get(spec.domain),
      async create({ spec }, { id }) {
        journal.push('zone made');
        zones.set(spec.domain, id);
      },
      isOurs: (found, { id }) => found === id,
      async delete(_, { spec }) {
        journal.push('zone deleted');
        zones.delete(spec.domain);
      },
    });
    const operator = defineOperator({
      name: 'shop',
      for: Shop,
      dependents: ({ child, external }) => ({
        zone: external(zone),
        page: child(ConfigMap, { make: ({ spec }) => ({ data: { domain: spec.domain } }) }),
        web: child(Deployment, {
          after: ['page', 'zone'],
          make: () => ({ spec: { replicas: 1, selector: { matchLabels: labels }, template } }),
        }),
        door: child(Service, {
          after: ['web'],
          make: () => ({ spec: { selector: labels, ports: [{ port: 80 }] } }),
        }),
      }),
    });
    const plugins = [
      serviceAccountPlugin,
      deploymentPlugin,
      replicaSetPlugin,
      garbageCollectorPlugin,
      operator,
    ] as AnyPlugin[];
    cluster = await startTestCluster({ plugins });
    const { client } = cluster;
    const ready = async () => {
      const [condition] = (await client.get(Shop, ref)).status?.conditions ?? [];
      return `${condition?.reason} ${condition?.message}`.trim();
    };
    const gone = async (read: Promise<unknown>) => {
      try {
        await read;
        return false;
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return true;
        throw error;
      }
    };
    await client.create(Shop, { metadata: ref, spec: { domain: 'a.test' } });
    await waitFor(async () => (await ready()).startsWith('Waiting web: Deployment corner is not ready'), {
      what: 'the Deployment to be waited for',
    });
    expect(await gone(client.get(Service, ref))).toBe(true);
    const { uid } = (await client.get(Shop, ref)).metadata;
    expect(zones.get('a.test')).toBe(`${uid}-zone`);
    const pod = await waitFor(async () => (await client.list(Pod, { namespace: 'default' })).items[0], {
      what: 'a pod',
    });
    const now = '2026-01-01T00:00:00Z';
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: now }];
    // No kubelet is here to say so.
    await client.patch(
      Pod,
      pod.metadata,
      { merge: { status: { phase: 'Running', conditions } } },
      { subresource: 'status' },
    );
    await waitFor(async () => (await ready()) === 'AllReady', { what: 'everything to be ready' });
    expect(await gone(client.get(Service, ref))).toBe(false);

    // Whoever holds the pod holds the Deployment, and all that it needs.
    await client.patch(Pod, pod.metadata, { merge: { metadata: { finalizers: ['tests.keelson.dev/held'] } } });
    await client.delete(Shop, ref);
    await waitFor(() => gone(client.get(Service, ref)), { what: 'the Service to go' });
    await waitFor(async () => (await client.get(Deployment, ref)).metadata.deletionTimestamp !== undefined, {
      what: 'the Deployment to be deleted',
    });
    await waitFor(
      async () =>
        (await client.list(ReplicaSet, { namespace: 'default' })).items.some(
          ({ metadata }) => metadata.deletionTimestamp,
        ),
      {
        what: 'the garbage collector',
      },
    );
    expect(await gone(client.get(ConfigMap, ref))).toBe(false);
    expect(journal).toEqual(['zone made']);
    expect(await ready()).toMatch(/^Deleting web: Deployment corner is being deleted; /);
    await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 });
    await client.patch(Pod, pod.metadata, { merge: { metadata: { finalizers: null } } });
    await waitFor(() => gone(client.get(Shop, ref)), { what: 'the Shop to go', timeoutMs: 20_000 });
    expect(await gone(client.get(Deployment, ref))).toBe(true);
    expect(await gone(client.get(ConfigMap, ref))).toBe(true);
    expect(journal).toEqual(['zone made', 'zone deleted']);

    const user = cluster.host.grants.find((each) => each.plugin === 'shop')?.user ?? '';
    const may = async (verb: string, group: string, resource: string) => {
      const resourceAttributes = { verb, group, resource, namespace: 'default' };
      const review = await client.create(SubjectAccessReview, { metadata: {}, spec: { user, resourceAttributes } });
      return review.status?.allowed;
    };
    // What it owns follows from its dependents.
    expect(await may('patch', 'apps', 'deployments')).toBe(true);
    expect(await may('create', '', 'pods')).toBe(false);
  });
});
