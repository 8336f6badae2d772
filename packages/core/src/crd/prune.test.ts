import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ModelApi } from '../../test/model-api.ts';
import { establish, startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap, Secret } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { StatusError } from '../machinery/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator, defineResource } from './index.ts';

const Shelf = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Shelf',
  spec: z.object({ round: z.int(), maps: z.array(z.string()), secrets: z.array(z.string()) }),
});
const ref = { name: 'shelf', namespace: 'default' };

const operator = () =>
  defineOperator({
    name: 'shelf',
    for: Shelf,
    owns: [ConfigMap, Secret],
    async reconcile({ spec }, { apply, prune }) {
      const applied = await Promise.allSettled([
        ...spec.maps.map((name) => apply(ConfigMap, { metadata: { name } })),
        ...spec.secrets.map((name) => apply(Secret, { metadata: { name } })),
      ]);
      await prune();
      const failed = applied.find((each) => each.status === 'rejected');
      if (failed) throw failed.reason;
    },
  });

const names = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd'));
const step = fc.record({
  maps: names,
  secrets: names,
  /** Children that nobody can write or delete meanwhile. */
  refused: names,
});

it('deletes what is not wanted and nothing else, whatever cannot be written or deleted meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const api = new ModelApi();
      await establish(api, Shelf);
      const clock = new FakeClock();
      const client = createClient(api);
      const running = await startOnModel(operator(), api, clock);
      await client.create(Shelf, { metadata: ref, spec: { round: 0, maps: [], secrets: [] } });
      const there = async () => {
        const [maps, secrets] = await Promise.all([client.list(ConfigMap), client.list(Secret)]);
        const namesOf = (list: { readonly items: readonly { readonly metadata: { readonly name: string } }[] }) =>
          list.items.map(({ metadata }) => metadata.name).toSorted();
        return { maps: namesOf(maps), secrets: namesOf(secrets) };
      };
      for (const [at, { maps, secrets, refused }] of steps.entries()) {
        const before = await there();
        api.fault = ({ verb, resource, name = '' }) => {
          if (resource !== 'configmaps' && resource !== 'secrets') return;
          if ((verb === 'patch' || verb === 'delete') && refused.includes(name)) {
            throw StatusError.of(403, 'Forbidden', `${name} is refused`);
          }
        };
        // Something always changes: what failed before would else be tried only when its back-off is over.
        await client.patch(Shelf, ref, { merge: { spec: { round: at + 1, maps, secrets } } });
        await clock.advance(1_000);
        const expected = (wanted: readonly string[], had: readonly string[]) =>
          ['a', 'b', 'c', 'd'].filter((each) => (refused.includes(each) ? had : wanted).includes(each));
        expect(await there()).toEqual({
          maps: expected(maps, before.maps),
          secrets: expected(secrets, before.secrets),
        });
      }
      api.fault = () => undefined;
      await clock.advance(3_600_000);
      const { maps = [], secrets = [] } = steps.at(-1) ?? {};
      expect(await there()).toEqual({ maps: maps.toSorted(), secrets: secrets.toSorted() });
      await running.stop();
    }),
    { numRuns: 40 },
  );
});
