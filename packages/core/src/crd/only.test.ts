import { expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap, Secret } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator } from './index.ts';

const ref = { name: 'a', namespace: 'default' };

function setup() {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const journal: string[] = [];
  let open = false;
  const operator = defineOperator({
    name: 'keeper',
    for: Secret,
    owns: [ConfigMap],
    only: ({ metadata }) => metadata.labels?.['keep'] === 'yes',
    when: (secret, event) => event.type === 'updated' && secret.type !== event.previous.type,
    dependents: ({ child }) => ({ note: child(ConfigMap, { make: () => ({ metadata: { name: 'note' } }) }) }),
    async reconcile({ metadata }, { apply }) {
      journal.push(`reconcile ${metadata.name}`);
      await apply(ConfigMap, {});
    },
    async finalize({ metadata }) {
      journal.push(`finalize ${metadata.name}`);
      return open ? undefined : { requeueAfter: 1_000 };
    },
  });
  const names = async () => (await client.list(ConfigMap)).items.map(({ metadata }) => metadata.name).toSorted();
  const label = (keep: string | null) => client.patch(Secret, ref, { merge: { metadata: { labels: { keep } } } });
  return { api, clock, client, operator, journal, names, label, letGo: () => (open = true) };
}

it('passes over what is not its business, and lets go of what is no longer', async () => {
  const { api, clock, client, operator, journal, names, label, letGo } = setup();
  const running = await startOnModel(operator, api, clock);
  await client.create(Secret, { metadata: ref });
  await client.create(Secret, { metadata: { ...ref, name: 'other' } });
  await clock.advance(1_000);
  expect(journal).toEqual([]);
  expect((await client.get(Secret, ref)).metadata.finalizers).toBeUndefined();
  await label('yes');
  await clock.advance(1_000);
  expect(journal).toEqual(['reconcile a']);
  expect(await names()).toEqual(['a', 'note']);
  await client.patch(Secret, ref, { merge: { data: { x: 'eA==' } } });
  await clock.advance(1_000);
  expect(journal).toEqual(['reconcile a']);
  await label(null);
  await clock.advance(100);
  expect(journal.at(-1)).toBe('finalize a');
  expect(await names()).toEqual(['a', 'note']);
  letGo();
  await clock.advance(2_000);
  expect(await names()).toEqual([]);
  expect((await client.get(Secret, ref)).metadata.finalizers ?? []).toEqual([]);
  const before = journal.length;
  await client.delete(Secret, ref);
  await clock.advance(1_000);
  expect(journal.length).toBe(before);
  await running.stop();
});

it('lets go also of what ceased to be its business while it was away', async () => {
  const { api, clock, client, operator, journal, names, label, letGo } = setup();
  await client.create(Secret, { metadata: { ...ref, labels: { keep: 'yes' } } });
  const first = await startOnModel(operator, api, clock);
  await clock.advance(1_000);
  await first.stop();
  await label('no');
  letGo();
  const second = await startOnModel(operator, api, clock);
  await clock.advance(1_000);
  expect(journal).toEqual(['reconcile a', 'finalize a']);
  expect(await names()).toEqual([]);
  expect((await client.get(Secret, ref)).metadata.finalizers ?? []).toEqual([]);
  await second.stop();
});
