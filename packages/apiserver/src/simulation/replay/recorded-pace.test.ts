import { ConfigMap, defineOperator, defineResource, type ReconcileTrace } from '@keelson/core';
import type { RecordingLine } from '@keelson/core/recording';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ReplayError, replay } from './index.ts';

const Shop = defineResource({
  group: 'pace.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ size: z.int().default(1) }),
});
const shops = { group: 'pace.keelson.dev', version: 'v1', resource: 'shops' };
const maps = { group: '', version: 'v1', resource: 'configmaps' };
const owner = { apiVersion: 'pace.keelson.dev/v1', kind: 'Shop', name: 'corner', uid: 'shop', controller: true };
const body = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { generateName: 'worker-', namespace: 'default', ownerReferences: [owner] },
};

/** Makes a worker where it sees none: two, if the answer to the first creation is lost and the worker seen too late. */
const hasty = () =>
  defineOperator({
    name: 'shop',
    for: Shop,
    owns: [ConfigMap],
    uses: [{ type: ConfigMap, verbs: ['create'] }],
    async reconcile(_, { children, client }) {
      if (children(ConfigMap).length === 0) await client.create(ConfigMap, body);
    },
  });

/** What a process has recorded whose second reconcile has just not seen yet what the first one made. */
function recordingOf(gaps: readonly number[]): readonly RecordingLine[] {
  let now = Date.UTC(2026, 0, 1);
  let taken = 0;
  const at = () => (now += gaps[taken++] ?? 0);
  const startedAt = now;
  const worker = (name: string, resourceVersion: string) => {
    const { metadata, ...rest } = body;
    return { ...rest, metadata: { ...metadata, name, uid: name, resourceVersion } };
  };
  const lines: RecordingLine[] = [
    { is: 'recording', format: 1, at: now, operator: 'shop', process: 'a', part: 1, elects: false },
    { is: 'watch', at: now, id: 1, ...shops },
    { is: 'watch', at: now, id: 2, ...maps },
    { is: 'watch-listed', at: now, id: 1 },
    { is: 'watch-listed', at: now, id: 2 },
  ];
  const seen = (of: number, object: Extract<RecordingLine, { is: 'seen' }>['object']) => {
    lines.push({ is: 'seen', at: at(), how: 'added', of, ...(of === 1 ? shops : maps), object });
    return now;
  };
  const begin = (id: number) => {
    lines.push({ is: 'reconcile-begun', at: at(), id });
    return now;
  };
  const create = (reconcile: number, answer: object) => {
    const sentAt = at();
    const tookMs = at() - sentAt;
    const asked = { reconcile, verb: 'create' as const, ...maps, namespace: 'default', body };
    return { is: 'request' as const, at: sentAt, id: 10 + reconcile, tookMs, ...asked, ...answer };
  };
  const end = (id: number, begunAt: number, cause: ReconcileTrace['causes'][number], more: Partial<ReconcileTrace>) =>
    lines.push({
      is: 'reconcile',
      at: at(),
      trace: {
        ...{ id, controller: 'shop', key: 'default/corner', causes: [cause], moreCauses: 0, priority: 'normal' },
        ...{ addedAt: begunAt, startedAt: begunAt, caughtUpMs: 0, endedAt: now, reads: [], writes: [], echoes: 0 },
        ...{ outcome: 'success', failures: 0, ...more },
      },
    });
  const event = (kind: string, object: string, when: number) =>
    ({ type: 'added', watch: kind, kind, object, at: when }) as const;

  now = startedAt + 10;
  const shop = {
    apiVersion: 'pace.keelson.dev/v1',
    kind: 'Shop',
    metadata: { name: 'corner', namespace: 'default', uid: 'shop', resourceVersion: '10' },
    spec: { size: 1 },
  };
  const shopAt = seen(1, shop);
  const first = begin(1);
  lines.push(create(1, { error: { message: 'the connection was reset' } }));
  const lost = { outcome: 'error', error: 'ConnectionError: the connection was reset', failures: 1 } as const;
  end(1, first, event('Shop', 'default/corner', shopAt), lost);
  const failedAt = now;
  const second = begin(2);
  const created = create(2, { resourceVersion: '12', made: { name: 'worker-b', uid: 'worker-b' } });
  const workerAt = seen(2, worker('worker-a', '11'));
  lines.push(created);
  end(2, second, { type: 'retry', at: failedAt }, {});
  const third = begin(3);
  end(3, third, event('ConfigMap', 'default/worker-a', workerAt), {});
  seen(2, worker('worker-b', '12'));
  lines.push({ is: 'stopped', at: now });
  return lines;
}

it('lets each reconcile see what it saw then, however little time there was between', {
  timeout: 120_000,
}, async () => {
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat(2), fc.nat(9), fc.nat(80)), { minLength: 14, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(gaps, async (each) => {
      const found = await replay(
        { operator: 'shop', lines: recordingOf(each) },
        {
          operators: () => [hasty()],
          calmMs: 30_000,
          always: {
            'a shop has one worker': async ({ objects }) => {
              const workers = (await objects(ConfigMap, 'default')).filter(({ metadata }) => metadata.ownerReferences);
              if (workers.length > 1) return `there are ${workers.length}`;
            },
          },
        },
        { shrinkRuns: 0 },
      ).catch((error: unknown) => error);
      if (!(found instanceof ReplayError)) throw new Error(JSON.stringify(found));
      expect(found.report.differences).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
