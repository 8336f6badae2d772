import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ModelApi } from '../../test/model-api.ts';
import { establish, startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap, type KubernetesObject, Secret } from '../api/index.ts';
import { type ApiRequest, type Client, createClient, type Transport } from '../client/index.ts';
import { isStatusError } from '../machinery/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator, defineResource } from './index.ts';

const Stack = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Stack',
  spec: z.object({ wanted: z.array(z.int()) }),
  status: z.object({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })) }),
});

const ref = { name: 'stack', namespace: 'default' };
const typeOf = (at: number) => (at % 2 === 0 ? ConfigMap : Secret);
const nameOf = (at: number) => `n${at}`;
const isThere = (child: KubernetesObject | undefined): child is KubernetesObject => child !== undefined;
const works = ({ metadata }: KubernetesObject) => metadata.annotations?.['works'] === 'yes';

/** Which nodes stand before each; only earlier ones, so that there is an order. */
type Edges = readonly (readonly number[])[];

function operatorFor(edges: Edges) {
  return defineOperator({
    name: 'stack',
    for: Stack,
    dependents: ({ child }) =>
      Object.fromEntries(
        edges.map((before, at) => [
          nameOf(at),
          child(typeOf(at), {
            after: before.map(nameOf),
            when: ({ spec }) => spec.wanted.includes(at),
            make: () => ({ metadata: { name: nameOf(at) } }),
            ready: works,
          }),
        ]),
      ),
  });
}

/** All that stands before a node, or after it, near and far. */
function reach(edges: Edges, from: number, forward: boolean): readonly number[] {
  const found = new Set<number>();
  const visit = (at: number) => {
    const next = forward ? edges.flatMap((before, to) => (before.includes(at) ? [to] : [])) : (edges[at] ?? []);
    for (const each of next) if (!found.has(each)) visit(found.add(each) && each);
  };
  visit(from);
  return [...found];
}

/** The operator's way to the API, which looks at each of its writes, and dies after some of them. */
class Mortal implements Transport {
  readonly broken: string[] = [];
  /** Writes until it dies; whether the last one still arrives. */
  life: { left: number; readonly arrives: boolean } | undefined;
  readonly #api: ModelApi;
  readonly #client: Client;
  readonly #edges: Edges;

  constructor(api: ModelApi, edges: Edges) {
    this.#api = api;
    this.#client = createClient(api);
    this.#edges = edges;
  }

  get dead(): boolean {
    return this.life !== undefined && this.life.left <= 0;
  }

  async request(request: ApiRequest): Promise<unknown> {
    if (this.dead) throw new Error('dead');
    if (['get', 'list'].includes(request.verb)) return this.#api.request(request);
    await this.#look(request);
    if (!this.life) return this.#api.request(request);
    this.life.left -= 1;
    if (this.life.left > 0 || this.life.arrives) {
      const answer = await this.#api.request(request);
      if (!this.dead) return answer;
    }
    throw new Error('dead');
  }

  watch(request: ApiRequest) {
    return this.#api.watch(request);
  }

  raw(): Promise<string> {
    return this.#api.raw();
  }

  async #look({ verb, resource, name = '' }: ApiRequest): Promise<void> {
    if (resource !== 'configmaps' && resource !== 'secrets') return;
    const at = Number(name.slice(1));
    const {
      items: [stack],
    } = await this.#client.list(Stack);
    const wanted = (node: number) =>
      stack?.metadata.deletionTimestamp === undefined && (stack?.spec.wanted.includes(node) ?? false);
    const say = (what: string) => this.broken.push(`${verb} ${name}: ${what}`);
    if (verb === 'delete') {
      for (const each of reach(this.#edges, at, true)) {
        const child = await find(this.#client, each);
        if (!wanted(each) && child) say(`${nameOf(each)} comes after it and is still there`);
        if (wanted(each) && !(child && works(child))) say(`${nameOf(each)} comes after it and does not do without`);
      }
    } else if (!(await find(this.#client, at))) {
      for (const each of reach(this.#edges, at, false)) {
        const child = await find(this.#client, each);
        if (wanted(each) && !(child && works(child))) say(`${nameOf(each)} comes before it and is not ready`);
      }
    }
  }
}

async function find(client: Client, at: number): Promise<KubernetesObject | undefined> {
  const list = await client.list<KubernetesObject>(typeOf(at));
  return list.items.find(({ metadata }) => metadata.name === nameOf(at));
}

const node = fc.nat(5);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('works' as const), node, works: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wants' as const), nodes: fc.uniqueArray(node) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('dies' as const),
      after: fc.integer({ min: 1, max: 4 }),
      arrives: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('holds' as const), node }) },
  { weight: 1, arbitrary: fc.constant({ type: 'releases' as const }) },
);

it('keeps the order of whatever graph, whatever happens and wherever it dies', { timeout: 60_000 }, async () => {
  const graph = fc.tuple(
    ...[0, 1, 2, 3, 4, 5].map((at) => fc.uniqueArray(fc.nat(Math.max(0, at - 1)), { maxLength: at })),
  );
  let deaths = 0;
  await fc.assert(
    fc.asyncProperty(graph, fc.array(step, { maxLength: 14 }), fc.boolean(), async (edges, steps, doomed) => {
      const api = new ModelApi();
      await establish(api, Stack);
      const clock = new FakeClock();
      const client = createClient(api);
      const operator = operatorFor(edges);
      const all = edges.map((_, at) => at);
      let mortal = new Mortal(api, edges);
      const broken: string[] = [];
      let running = await startOnModel(operator, mortal, clock);
      const goOn = async () => {
        await clock.advance(2_000);
        for (; mortal.dead; await clock.advance(2_000)) {
          deaths += 1;
          await Promise.all([running.stop(), clock.advance(10_000)]);
          broken.push(...mortal.broken);
          mortal = new Mortal(api, edges);
          running = await startOnModel(operator, mortal, clock);
        }
      };
      const patch = async (at: number, metadata: object) => {
        if (!(await find(client, at))) return;
        try {
          await client.patch<KubernetesObject>(typeOf(at), { ...ref, name: nameOf(at) }, { merge: { metadata } });
        } catch (error) {
          // The operator was quicker.
          if (!isStatusError(error, 'NotFound')) throw error;
        }
      };
      await client.create(Stack, { metadata: ref, spec: { wanted: all } });
      await goOn();
      for (const [index, each] of steps.entries()) {
        if (doomed && index === Math.floor(steps.length / 2)) await client.delete(Stack, ref);
        if (each.type === 'works') await patch(each.node, { annotations: { works: each.works ? 'yes' : null } });
        else if (each.type === 'holds') await patch(each.node, { finalizers: ['test/held'] });
        else if (each.type === 'releases') for (const at of all) await patch(at, { finalizers: null });
        else if (each.type === 'dies') mortal.life ??= { left: each.after, arrives: each.arrives };
        else if ((await client.list(Stack)).items.length > 0)
          await client.patch(Stack, ref, { merge: { spec: { wanted: each.nodes } } });
        if (each.type !== 'dies') await goOn();
      }
      mortal.life = undefined;
      for (const at of all) await patch(at, { finalizers: null });
      for (const _ of all) {
        for (const at of all) await patch(at, { annotations: { works: 'yes' } });
        await goOn();
      }
      await clock.advance(3_600_000);
      const children = (await Promise.all(all.map((at) => find(client, at))))
        .filter(isThere)
        .map((each) => each.metadata.name);
      const [stack] = (await client.list(Stack)).items;
      // Without any order the garbage collector does the rest, which the model has not.
      const ordered = edges.some((each) => each.length > 0);
      if (!stack) expect(ordered ? children : []).toEqual([]);
      else {
        expect(children).toEqual(all.filter((at) => stack.spec.wanted.includes(at)).map(nameOf));
        expect(stack.status?.conditions?.[0]?.status).toBe('True');
      }
      if (doomed && steps.length > 0) expect(stack).toBeUndefined();
      await running.stop();
      expect([...broken, ...mortal.broken]).toEqual([]);
    }),
    { numRuns: 60 },
  );
  expect(deaths).toBeGreaterThan(5);
});
