import fc from 'fast-check';
import { Subject } from 'rxjs';
import { expect, it } from 'vitest';
import type { ConfigMap } from '../api/index.ts';
import { keyOf } from '../machinery/index.ts';
import type { InformerEvent, Query } from './contract.ts';
import { StoreQuery } from './live-query.ts';
import { prepareQuery } from './query.ts';
import { Store } from './store.ts';

const indexes: Readonly<Record<string, (object: ConfigMap) => readonly string[]>> = {
  colour: ({ data }) => (data?.['colour'] ? [data['colour']] : []),
  every: ({ data }) => Object.values(data ?? {}),
  // As users write them: fails where the object has no data.
  first: ({ data }) => [Object.keys(data as Record<string, string>)[0] ?? 'none'],
};
const naive = (index: string, object: ConfigMap): readonly string[] => {
  try {
    return indexes[index]?.(object) ?? [];
  } catch {
    return [];
  }
};
const colours = ['red', 'green', 'blue'];
const queries: readonly Query<ConfigMap>[] = [
  {},
  { namespace: 'x' },
  { labels: 'on=yes' },
  { labels: { on: 'no' }, namespace: 'y' },
  { by: { index: 'every', value: 'red' } },
  { by: { index: 'first', value: 'size' }, filter: ({ data }) => data?.['colour'] !== 'blue' },
];

const object = fc.record({
  op: fc.constant('set' as const),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  namespace: fc.constantFrom('x', 'y'),
  on: fc.constantFrom('yes', 'no'),
  data: fc.option(fc.dictionary(fc.constantFrom('colour', 'size'), fc.constantFrom(...colours)), { nil: undefined }),
});
const step = fc.oneof(
  { weight: 8, arbitrary: object },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('delete' as const), at: fc.nat(7), known: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('again' as const), at: fc.nat(7) }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('subscribe' as const, 'leave' as const), query: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('nested' as const), query: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('tick' as const) }) },
);

it('is what a plain map would say: lists, indexes and live queries, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(59), async (steps, late) => {
      const unfiled: string[] = [];
      const store = new Store<ConfigMap>((index, each) => unfiled.push(`${index} ${keyOf(each)}`));
      const model = new Map<string, ConfigMap>();
      const events$ = new Subject<InformerEvent<ConfigMap>>();
      const emit = (event: InformerEvent<ConfigMap> | undefined) => event && events$.next(event);
      /** Arrays that were given out, and what was in them. */
      const given = new Map<readonly ConfigMap[], readonly ConfigMap[]>();
      const same = (found: readonly ConfigMap[], wanted: Iterable<ConfigMap>) => {
        given.set(found, [...found]);
        expect(new Set(found)).toEqual(new Set(wanted));
        expect(found.length).toBe(new Set(found).size);
      };
      store.addIndex('colour', indexes['colour']!);
      store.addIndex('first', indexes['first']!);
      const live = queries.map((query) => ({ query, found: undefined as StoreQuery<ConfigMap> | undefined }));
      const prepare = (query: Query<ConfigMap>) =>
        new StoreQuery(
          prepareQuery(query, store, (index, each) => store.valuesOf(index, each)),
          events$,
        );
      const matches = ({ namespace, labels, by, filter }: Query<ConfigMap>, each: ConfigMap) =>
        (namespace === undefined || each.metadata.namespace === namespace) &&
        (labels === undefined || each.metadata.labels?.['on'] === (typeof labels === 'string' ? 'yes' : 'no')) &&
        (by === undefined || naive(by.index, each).includes(by.value)) &&
        (filter === undefined || filter(each));
      interface Follower {
        readonly query: Query<ConfigMap>;
        readonly latest: Map<string, ConfigMap>;
        result: readonly ConfigMap[];
        leave(): void;
      }
      let followers: Follower[] = [];
      const follow = (at: number) => {
        const one = live[at]!;
        one.found ??= prepare(one.query);
        const latest = new Map<string, ConfigMap>();
        const follower: Follower = { query: one.query, latest, result: [], leave: () => undefined };
        for (const each of one.found.value) latest.set(keyOf(each), each);
        const subscriptions = [
          one.found.changes$.subscribe((event) => {
            if (event.type === 'deleted') {
              expect(latest.delete(event.key)).toBe(true);
            } else {
              expect(latest.has(event.key)).toBe(event.type === 'updated');
              if (event.type === 'updated') expect(event.previous).toBe(latest.get(event.key));
              latest.set(event.key, event.object);
            }
          }),
          one.found.subscribe((result) => {
            follower.result = result;
          }),
        ];
        followers.push({
          ...follower,
          get result() {
            return follower.result;
          },
          leave: () => {
            for (const each of subscriptions) each.unsubscribe();
          },
        });
      };
      let version = 0;
      for (const [at, each] of steps.entries()) {
        if (at === late) store.addIndex('every', indexes['every']!);
        const canFollow = (query: number) => queries[query]?.by?.index !== 'every' || at >= late;
        const [key, known] = 'at' in each ? ([...model][each.at % Math.max(1, model.size)] ?? []) : [];
        if (each.op === 'set') {
          const { name, namespace, on, data } = each;
          version += 1;
          const one: ConfigMap = {
            metadata: { name, namespace, uid: `${namespace}-${name}`, resourceVersion: `${version}`, labels: { on } },
            ...(data && { data }),
          };
          const event = store.set(one);
          expect(event?.type).toBe(model.has(keyOf(one)) ? 'updated' : 'added');
          model.set(keyOf(one), one);
          emit(event);
          if (!data) expect(unfiled.at(-1)).toBe(`first ${keyOf(one)}`);
        } else if (each.op === 'again' && known) {
          expect(store.set({ ...known })).toBeUndefined();
        } else if (each.op === 'delete' && key !== undefined && known) {
          model.delete(key);
          const event = store.delete(key, each.known ? known : undefined);
          expect(event).toMatchObject({ type: 'deleted', key, object: known });
          emit(event);
        } else if (each.op === 'subscribe' && canFollow(each.query)) follow(each.query);
        else if (each.op === 'leave') {
          for (const one of followers.filter(({ query }) => query === queries[each.query])) one.leave();
          followers = followers.filter(({ query }) => query !== queries[each.query]);
        } else if (each.op === 'nested' && canFollow(each.query)) {
          // Somebody begins to follow while an event is told.
          const once = events$.subscribe(() => {
            once.unsubscribe();
            follow(each.query);
          });
        } else if (each.op === 'tick') {
          await Promise.resolve();
          for (const { query, result } of followers)
            same(
              result,
              [...model.values()].filter((one) => matches(query, one)),
            );
        }
        same(store.list(), model.values());
        expect(store.size).toBe(model.size);
        for (const namespace of ['x', 'y', 'z'])
          same(
            store.inNamespace(namespace),
            [...model.values()].filter((one) => one.metadata.namespace === namespace),
          );
        for (const index of ['colour', 'first', ...(at >= late ? ['every'] : [])])
          for (const value of [...colours, 'size', 'none'])
            same(
              store.by(index, value),
              [...model.values()].filter((one) => naive(index, one).includes(value)),
            );
        for (const { query, found } of live)
          if (found)
            same(
              found.value,
              [...model.values()].filter((one) => matches(query, one)),
            );
        for (const { query, latest } of followers)
          same(
            [...latest.values()],
            [...model.values()].filter((one) => matches(query, one)),
          );
      }
      for (const [array, content] of given) expect(array).toEqual(content);
    }),
    { numRuns: 150 },
  );
});
