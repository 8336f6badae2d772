import { expect, it } from 'vitest';
import { z } from 'zod';
import { ModelApi } from '../../test/model-api.ts';
import { establish, startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap, Namespace } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator, defineResource } from './index.ts';

const Copy = defineResource({ group: 'example.com', version: 'v1', kind: 'Copy', spec: z.object({ to: z.string() }) });
const ref = { name: 'copy', namespace: 'default' };

it('makes no child that the garbage collector would take for an orphan, or never find, and says what to do instead', async () => {
  const api = new ModelApi();
  await establish(api, Copy);
  const client = createClient(api);
  const operator = defineOperator({
    name: 'copy',
    for: Copy,
    owns: [ConfigMap, Namespace],
    async reconcile({ spec }, { apply }) {
      if (spec.to === '') await apply(Namespace, { spec: {} });
      else await apply(ConfigMap, { metadata: { namespace: spec.to } });
    },
  });
  const clock = new FakeClock();
  const running = await startOnModel(operator, api, clock);
  const failure = async (to: string) => {
    await client.patch(Copy, ref, { merge: { spec: { to } } });
    await clock.advance(2_000);
    const last = running.traces.list().at(-1);
    return last?.outcome === 'error' ? String(last.error) : last?.outcome;
  };
  await client.create(Copy, { metadata: ref, spec: { to: 'default' } });
  expect(await failure('default')).toBe('success');
  expect(await failure('other')).toContain(
    'ConfigMap copy is in the namespace other, and Copy default/copy cannot own it from there: make it with context.client',
  );
  expect(await failure('')).toContain('Namespace copy is cluster-scoped, and Copy default/copy cannot own it');
  expect((await client.list(ConfigMap)).items.map(({ metadata }) => metadata.namespace)).toEqual(['default']);
  await running.stop();
});

it("names finalizers of Kubernetes' own kinds after a domain, which those do not have", async () => {
  const api = new ModelApi();
  const client = createClient(api);
  const clock = new FakeClock();
  const operator = defineOperator({
    name: 'keeper',
    for: ConfigMap,
    reconcile: async () => undefined,
    finalize: async () => ({ requeueAfter: 60_000 }),
  });
  const running = await startOnModel(operator, api, clock);
  await client.create(ConfigMap, { metadata: ref });
  await clock.advance(1_000);
  expect((await client.get(ConfigMap, ref)).metadata.finalizers).toEqual(['keelson.dev/keeper']);
  await running.stop();
});
