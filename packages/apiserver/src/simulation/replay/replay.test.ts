import {
  Clients,
  ConfigMap,
  ConnectionError,
  CustomResourceDefinition,
  createClient,
  defineOperator,
  definePlugin,
  defineResource,
  isConditionTrue,
  ReconcileObservers,
  systemClock,
  type Transport,
} from '@keelson/core';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  createHost,
  eventRecorderPlugin,
  informersPlugin,
} from '@keelson/core/host';
import { ReconcileScope, type RecordingLine, recordedTransport } from '@keelson/core/recording';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { testCluster } from '../../server/index.ts';
import { ReplayError, type Replayed, replay } from './index.ts';

const Shop = defineResource({
  group: 'faults.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ size: z.int().default(1) }),
});

/** The bug: a worker that it has made and not seen yet is made once more. */
const hasty = () =>
  defineOperator({
    name: 'shop',
    for: Shop,
    owns: [ConfigMap],
    uses: [{ type: ConfigMap, verbs: ['create'] }],
    async reconcile({ metadata }, { children, client }) {
      if (children(ConfigMap).length > 0) return;
      const { uid = '', name } = metadata;
      const owner = { apiVersion: 'faults.keelson.dev/v1', kind: 'Shop', name, uid, controller: true };
      await client.create(ConfigMap, {
        metadata: {
          generateName: 'worker-',
          namespace: 'default',
          labels: { worker: 'yes' },
          ownerReferences: [owner],
        },
      });
    },
  });

const mended = () =>
  defineOperator({
    name: 'shop',
    for: Shop,
    owns: [ConfigMap],
    async reconcile({ metadata }, { apply }) {
      await apply(ConfigMap, { metadata: { name: `worker-${metadata.name}`, labels: { worker: 'yes' } } });
    },
  });

/** Loses the answer to the first creation of a worker, and tells of it only when another one has been made. */
function unlucky(transport: Transport): Transport {
  let lost = false;
  let release: () => void = () => undefined;
  const again = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    request: async (request) => {
      const first = !lost && request.resource === 'configmaps' && request.verb === 'create';
      lost ||= first;
      const answer = await transport.request(request);
      if (first) throw new ConnectionError('the connection was reset');
      if (request.resource === 'configmaps' && request.verb === 'create') release();
      return answer;
    },
    watch: (request) => transport.watch(request),
    async *watchBatches(request) {
      for await (const batch of transport.watchBatches?.(request) ?? []) {
        if (request.resource === 'configmaps' && lost) await again;
        yield batch;
      }
    },
    raw: (...args) => transport.raw(...args),
  };
}

it('plays lost answers and late events again', { timeout: 120_000 }, async () => {
  const lines: RecordingLine[] = [];
  const sink = (line: RecordingLine) => void lines.push(line);
  const clock = systemClock;
  await using cluster = await testCluster();
  const scope = new ReconcileScope(sink, clock);
  const transport = recordedTransport(unlucky(cluster.client.transport), {
    clock,
    sink,
    reconcile: () => scope.current,
  });
  const connection = definePlugin({
    name: 'connection',
    register({ provide }) {
      provide.value(Clients, { as: () => createClient(transport) });
      provide.factory(ReconcileObservers, () => scope, []);
    },
  });
  const host = createHost({
    plugins: [
      connection,
      informersPlugin,
      eventRecorderPlugin,
      controllerManagerPlugin,
      hasty(),
    ] as readonly AnyPlugin[],
    logger: silentLogger,
  });
  sink({ is: 'recording', format: 1, at: clock.now(), operator: 'shop', process: 'a', part: 1, elects: false });
  await host.start();
  const { client } = cluster;
  await waitFor(async () =>
    (await client.list(CustomResourceDefinition)).items.some(({ status }) =>
      isConditionTrue(status?.conditions, 'Established'),
    ),
  );
  await client.create(Shop, { metadata: { name: 'corner', namespace: 'default' }, spec: { size: 1 } });
  const workers = () => client.list(ConfigMap, { labelSelector: 'worker' });
  await waitFor(async () => (await workers()).items.length === 2);
  // Both have been seen.
  await waitFor(
    () => lines.filter((each) => each.is === 'seen' && each.object.metadata.labels?.['worker']).length >= 2,
  );
  await host.stop();

  const recording = { operator: 'shop', lines };
  const replayed = (operator: typeof hasty): Replayed => ({
    operators: () => [operator()],
    calmMs: 30_000,
    always: {
      'a shop has one worker': async ({ objects }) => {
        const found = (await objects(ConfigMap, 'default')).filter(({ metadata }) => metadata.labels?.['worker']);
        if (found.length > 1) return `there are ${found.map(({ metadata }) => metadata.name).join(' and ')}`;
      },
    },
  });
  const found = await replay(recording, replayed(hasty), { shrinkRuns: 20 }).catch((error: unknown) => error);
  if (!(found instanceof ReplayError)) throw found;
  const names = (await workers()).items.map(({ metadata }) => metadata.name);
  expect(found.report.differences).toEqual([]);
  // By the names that they had.
  for (const each of names) expect(found.message).toContain(each);
  expect(found.message).toMatch(/\n1 of 1 change by others and \d of \d+ disturbances are enough\. What happened:\n/);
  expect(found.message).toContain('lost-answer');
  const report = await replay(recording, replayed(mended));
  expect(report.differences.map(({ what }) => what)).toContain('missing');
});
