import { expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap, Namespace, Secret } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator } from './index.ts';

it('shows a reconcile no empty cache of a kind that it asks for as the first one', async () => {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const seen: number[] = [];
  const operator = defineOperator({
    name: 'counter',
    for: Secret,
    uses: [Namespace, ConfigMap],
    async reconcile(_, { informers, signal }) {
      const configMaps = informers.for(ConfigMap);
      await configMaps.waitForSync(signal);
      seen.push(configMaps.lister.list().length);
      seen.push(informers.for(Namespace).lister.list().length);
    },
  });
  await client.create(Namespace, { metadata: { name: 'a' }, spec: {} });
  await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'a' } });
  const running = await startOnModel(operator, api, clock);
  await client.create(Secret, { metadata: { name: 'a', namespace: 'a' } });
  await clock.advance(100);
  expect(seen).toEqual([1]);
  expect(String(running.traces.list().at(-1)?.error)).toContain(
    'the cache of namespaces is not filled yet: name Namespace in `watches` or `references`',
  );
  await clock.advance(1_000);
  expect(seen).toEqual([1, 1, 1]);
  await running.stop();
});
