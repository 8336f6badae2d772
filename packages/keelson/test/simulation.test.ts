import { type SimulatedWorld, type Simulation, SimulationError, simulate } from '@keelson/apiserver/testing';
import {
  type Client,
  ConfigMap,
  defineOperator,
  defineResource,
  isStatusError,
  type ObjectRef,
  Pod,
  type ResourceObject,
} from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const Shop = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ size: z.int().default(1), note: z.string().default('') }),
  status: z.object({ seen: z.int(), worker: z.string() }),
});
type Shop = ResourceObject<typeof Shop>;

const ref: ObjectRef = { name: 'corner', namespace: 'default' };
const create = {
  name: 'makes a shop',
  run: ({ client }: SimulatedWorld) => client.create(Shop, { metadata: ref, spec: { size: 1, note: '' } }),
};
const resize = (size: number) => ({
  name: `resizes it to ${size}`,
  run: ({ client }: SimulatedWorld) => client.patch(Shop, ref, { merge: { spec: { size } } }),
});
const remove = { name: 'removes it', run: ({ client }: SimulatedWorld) => client.delete(Shop, ref) };

/** Runs it until something is found; gives what was found. */
async function find(simulation: Simulation, runs = 400): Promise<SimulationError> {
  try {
    await simulate(simulation, { runs, shrinkRuns: 100 });
  } catch (error) {
    if (error instanceof SimulationError) return error;
    throw error;
  }
  throw new Error(`nothing was found in ${runs} runs`);
}

describe('simulate', () => {
  const right: Simulation = {
    operators: () => [
      defineOperator({
        name: 'shop',
        for: Shop,
        owns: [ConfigMap],
        async reconcile({ spec }, { apply, setStatus }) {
          await apply(ConfigMap, { data: { size: String(spec.size) } });
          setStatus({ seen: spec.size });
        },
      }),
    ],
    steps: [create, resize(2), resize(3)],
    always: {
      'there is at most one ConfigMap': async ({ objects }) => {
        const found = (await objects(ConfigMap, 'default')).filter((each) => each.metadata.name === 'corner');
        if (found.length > 1) return `there are ${found.length}`;
      },
    },
    finally: {
      'the ConfigMap says what the shop says': async ({ client }) => {
        const [shop, map] = [await client.get(Shop, ref), await client.get(ConfigMap, ref)];
        if (map.data?.['size'] !== String(shop.spec.size)) return `${map.data?.['size']}, not ${shop.spec.size}`;
        if (shop.status?.seen !== shop.spec.size) return `the status says ${shop.status?.seen}`;
      },
    },
  };

  it('finds nothing wrong with what is right, whatever happens to it', async () => {
    expect(await simulate(right, { runs: 12 })).toEqual({ runs: 12 });
  });

  it('gives the same run for the same seed', async () => {
    const wrong: Simulation = { ...right, finally: { never: () => 'as it must be' } };
    const [one, two] = [await find(wrong), await find(wrong)];
    expect(one.message).toBe(two.message);
    expect(one.timeline.length).toBeGreaterThan(0);
    expect(one.plan.faults).toEqual([]);
  });

  it('says which step does not work', async () => {
    await expect(simulate({ ...right, steps: [resize(2)] }, { runs: 1 })).rejects.toThrow(
      'the step "resizes it to 2" failed: shops.tests.keelson.dev "corner" not found (seed 1)',
    );
  });

  it('elects one of two copies, which act as one', async () => {
    expect(await simulate({ ...right, copies: 2 }, { runs: 5 })).toEqual({ runs: 5 });
  });
});

/** An operator and the same one made right: the simulation finds the difference. */
describe('classic bugs', { timeout: 180_000 }, () => {
  const shops =
    (reconcile: Parameters<typeof defineOperator<Shop>>[0]['reconcile'], more: object = {}) =>
    () => [
      defineOperator<Shop>({
        name: 'shop',
        for: Shop,
        owns: [ConfigMap, Pod],
        uses: [{ type: ConfigMap, verbs: ['get', 'create', 'update', 'patch'] }],
        reconcile,
        ...more,
      }),
    ];
  const within = async (simulation: Simulation, invariant: string) => {
    // Of this process alone, whatever else the machine does.
    const from = process.cpuUsage();
    const found = await find(simulation);
    expect(found.invariant).toBe(invariant);
    expect(process.cpuUsage(from).user / 1_000).toBeLessThan(60_000);
    return found;
  };

  const oneWorker: Simulation['always'] = {
    'a shop has one worker': async ({ objects }) => {
      const workers = (await objects(ConfigMap, 'default')).filter((each) => each.metadata.labels?.['worker']);
      if (workers.length > 1) return `there are ${workers.length}`;
    },
  };

  it('stale cache, double create', async () => {
    const wrong = shops(async ({ metadata }, { children, client }) => {
      if (children(ConfigMap).length > 0) return;
      const owner = {
        apiVersion: 'tests.keelson.dev/v1',
        kind: 'Shop',
        name: metadata.name,
        uid: metadata.uid ?? '',
        controller: true,
      };
      await client.create(ConfigMap, {
        metadata: {
          generateName: 'worker-',
          namespace: 'default',
          labels: { worker: 'yes' },
          ownerReferences: [owner],
        },
      });
    });
    const found = await within({ operators: wrong, steps: [create], always: oneWorker }, 'a shop has one worker');
    // A write whose answer is lost, seen too late by its own writer, is made a second time.
    expect(found.plan.faults.map((each) => each.kind)).toContain('lost-answer');
    expect(found.message).toMatch(/^a shop has one worker: there are 2\nseed \d+; 1 step and \d faults are enough/);
    const right = shops(async ({ metadata }, { apply }) => {
      await apply(ConfigMap, { metadata: { name: `worker-${metadata.name}`, labels: { worker: 'yes' } } });
    });
    await simulate({ operators: right, steps: [create], always: oneWorker }, { runs: 6 });
  });

  class Registry {
    readonly entries: string[] = [];
    async add(name: string): Promise<void> {
      this.entries.push(name);
    }
    async put(name: string): Promise<void> {
      if (!this.entries.includes(name)) this.entries.push(name);
    }
    async delete(name: string): Promise<void> {
      const at = this.entries.indexOf(name);
      if (at >= 0) this.entries.splice(at, 1);
    }
  }
  const registry = (world: SimulatedWorld) => world.external('registry', () => new Registry());

  it('missed finalizer', async () => {
    const put =
      (world: SimulatedWorld) =>
      async ({ metadata }: Shop) =>
        registry(world).reached.put(metadata.name);
    const nothingLeft: Simulation['finally'] = {
      'nothing is left behind': (world) => {
        const { entries } = registry(world).real;
        if (entries.length > 0) return `${entries.join()} is still registered`;
      },
    };
    const steps = [create, remove];
    await within({ operators: (world) => shops(put(world))(), steps, finally: nothingLeft }, 'nothing is left behind');
    const finalize = (world: SimulatedWorld) => ({
      finalize: ({ metadata }: Shop) => registry(world).reached.delete(metadata.name),
    });
    const right: Simulation = {
      operators: (world) => shops(put(world), finalize(world))(),
      steps,
      finally: nothingLeft,
    };
    await simulate(right, { runs: 6 });
  });

  it('non-idempotent external call', async () => {
    const always: Simulation['always'] = {
      'a shop is registered once': (world) => {
        const { entries } = registry(world).real;
        if (entries.length > 1) return entries.join();
      },
    };
    const once = (world: SimulatedWorld, call: 'add' | 'put') =>
      shops(async ({ metadata, status }, { setStatus }) => {
        if (status?.seen) return;
        await registry(world).reached[call](metadata.name);
        setStatus({ seen: 1 });
      })();
    const found = await within(
      { operators: (world) => once(world, 'add'), steps: [create], always },
      'a shop is registered once',
    );
    expect(found.plan.faults.length).toBeGreaterThan(0);
    await simulate({ operators: (world) => once(world, 'put'), steps: [create], always }, { runs: 6 });
  });

  it('lost update by read-modify-write', async () => {
    const theirs = {
      name: 'somebody writes into the ConfigMap',
      run: async ({ client }: SimulatedWorld) =>
        client.patch(ConfigMap, ref, { apply: { metadata: ref, data: { theirs: 'yes' } }, fieldManager: 'somebody' }),
    };
    const kept: Simulation['finally'] = {
      'what others wrote is kept': async ({ client }) => {
        const { data } = await client.get(ConfigMap, ref);
        if (data?.['theirs'] !== 'yes') return JSON.stringify(data);
      },
    };
    const steps = [create, theirs, resize(2)];
    const wrong = shops(async ({ spec }, { client, informers }) => {
      const cached = informers.for(ConfigMap).lister.get('default/corner');
      if (!cached) {
        try {
          await client.create(ConfigMap, { metadata: ref, data: { size: String(spec.size) } });
        } catch (error) {
          if (!isStatusError(error, 'AlreadyExists')) throw error;
        }
        return;
      }
      const { resourceVersion: _, ...metadata } = cached.metadata;
      await client.update(ConfigMap, { ...cached, metadata, data: { ...cached.data, size: String(spec.size) } });
    });
    await within({ operators: wrong, steps, finally: kept }, 'what others wrote is kept');
    const right = shops(async ({ spec }, { client }) => {
      await client.patch(ConfigMap, ref, {
        apply: { metadata: ref, data: { size: String(spec.size) } },
        fieldManager: 'shop',
      });
    });
    await simulate({ operators: right, steps, finally: kept }, { runs: 6 });
  });

  it('ignored deletion', async () => {
    const place = { name: 'catalogue', namespace: 'default' };
    const setup = ({ client }: SimulatedWorld) => client.create(ConfigMap, { metadata: place, data: {} });
    const current: Simulation['finally'] = {
      'the catalogue lists the shops that there are': async ({ client, objects }) => {
        const shopsNow = (await objects(Shop)).map((each) => each.metadata.name);
        const listed = Object.keys((await client.get(ConfigMap, place)).data ?? {});
        if (shopsNow.join() !== listed.join()) return `${listed.join()} instead of ${shopsNow.join()}`;
      },
    };
    const list = async ({ metadata }: Shop, { client }: { client: Client }) => {
      await client.patch(ConfigMap, place, { merge: { data: { [metadata.name]: 'open' } } });
    };
    const steps = [create, remove];
    await within(
      { operators: shops(list), setup, steps, finally: current },
      'the catalogue lists the shops that there are',
    );
    const finalize = async ({ metadata }: Shop, { client }: { client: Client }) => {
      await client.patch(ConfigMap, place, { merge: { data: { [metadata.name]: null } } });
    };
    await simulate({ operators: shops(list, { finalize }), setup, steps, finally: current }, { runs: 6 });
  });
});
