import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Client, Clients, createClient, type Transport } from '../client/index.ts';
import { Informers } from '../informer/index.ts';
import {
  all,
  Clock,
  definePlugin,
  type Lifecycle,
  Lifecycles,
  Logger,
  optional,
  type Phase,
  PluginGrants,
  token,
  tokenList,
} from '../plugin/index.ts';
import { FakeClock, settle } from '../testing/index.ts';
import { controllerManagerPlugin } from './controller-manager-plugin.ts';
import { createHost, type Host } from './create-host.ts';
import { eventRecorderPlugin } from './event-recorder-plugin.ts';
import { informersPlugin } from './informers-plugin.ts';
import { createLogger } from './text-logger.ts';

class Engine {
  readonly power = 3;
}
class Car {
  readonly engine: Engine;
  readonly names: readonly string[];
  constructor(engine: Engine, names: readonly string[]) {
    this.engine = engine;
    this.names = names;
  }
}
const EngineToken = token<Engine>('Engine');
const CarToken = token<Car>('Car');
const Names = tokenList<string>('Names');

const logger = createLogger({ level: 'silent' });
const noTransport: Transport = {
  request: () => Promise.reject(new Error('unused')),
  watch: () => {
    throw new Error('unused');
  },
  raw: () => Promise.reject(new Error('unused')),
};

const engine = definePlugin({ name: 'engine', register: ({ provide }) => provide(EngineToken, Engine, []) });
const car = definePlugin({ name: 'car', register: ({ provide }) => provide(CarToken, Car, [EngineToken, all(Names)]) });
const name = (plugin: string, ...values: string[]) =>
  definePlugin({
    name: plugin,
    register: ({ provide }) => {
      for (const each of values) provide.value(Names, each);
    },
  });

describe('createHost: wiring', () => {
  it('gives each dependency, lists in order of registration, and one instance to everybody', () => {
    const host = createHost({ plugins: [car, name('b', 'b1', 'b2'), engine, name('a', 'a')], logger });
    expect(host.plugins).toEqual(['car', 'b', 'engine', 'a']);
    expect(host.get(CarToken).names).toEqual(['b1', 'b2', 'a']);
    expect(host.get(CarToken).engine).toBe(host.get(EngineToken));
    expect(host.get(all(Names))).toEqual(['b1', 'b2', 'a']);
    expect(host.get(optional(token<number>('Nobody')))).toBeUndefined();
  });

  it('takes the later of two provisions of one token, and never makes the earlier', () => {
    const broken = definePlugin({
      name: 'broken',
      register: ({ provide }) =>
        provide.factory(EngineToken, () => {
          throw new Error('must not be made');
        }, []),
    });
    expect(createHost({ plugins: [broken, engine], logger }).get(EngineToken).power).toBe(3);
  });

  it('lets a later plugin replace one of the same name, in its place', () => {
    const host = createHost({ plugins: [name('one', '1'), name('two', '2'), name('one', 'uno')], logger });
    expect(host.plugins).toEqual(['one', 'two']);
    expect(host.get(all(Names))).toEqual(['uno', '2']);
  });

  it('leaves out disabled plugins, and names the known ones when a name is unknown', () => {
    expect(
      createHost({ plugins: [name('one', '1'), name('two', '2')], disable: ['one'], logger }).get(all(Names)),
    ).toEqual(['2']);
    expect(() => createHost({ plugins: [engine, car], disable: ['motor'], logger })).toThrow(
      'disable: there is no plugin "motor"; known are car, engine',
    );
    expect(() => createHost({ plugins: [engine], options: { motor: {} }, logger })).toThrow(
      'options: there is no plugin "motor"; known are engine',
    );
  });

  it('parses options by the schema of the plugin, with the path in the error', () => {
    const seen: number[] = [];
    const plugin = definePlugin({
      name: 'job',
      options: z.object({ workers: z.number().default(2), pool: z.object({ size: z.number() }).optional() }),
      register: ({ options }) => seen.push(options.workers),
    });
    createHost({ plugins: [plugin], logger });
    createHost({ plugins: [plugin], options: { job: { workers: 5 } }, logger });
    expect(seen).toEqual([2, 5]);
    expect(() => createHost({ plugins: [plugin], options: { job: { pool: { size: 'x' } } }, logger })).toThrow(
      /^options\.job\.pool\.size: .*expected number/,
    );
    expect(() => createHost({ plugins: [engine], options: { engine: { x: 1 } }, logger })).toThrow(
      'options.engine: this plugin takes no options',
    );
  });

  it('names plugin, class and token of a missing dependency before anything is made', () => {
    expect(() => createHost({ plugins: [car], logger })).toThrow(
      'plugin "car": Car needs Engine, and no plugin provides Engine',
    );
  });

  it('tells a list that is asked for as one dependency', () => {
    const plugin = definePlugin({
      name: 'p',
      register: ({ provide }) => provide.factory(token<string>('One'), (one: string) => one, [Names]),
    });
    expect(() => createHost({ plugins: [plugin], logger })).toThrow('write all(Names)');
  });

  it('shows the path of a circle', () => {
    const A = token<object>('A');
    const B = token<object>('B');
    const plugin = definePlugin({
      name: 'p',
      register({ provide }) {
        provide.factory(
          A,
          function makeA(b: object) {
            return { b };
          },
          [B],
        );
        provide.factory(
          B,
          function makeB(a: object) {
            return { a };
          },
          [A],
        );
      },
    });
    expect(() => createHost({ plugins: [plugin], logger })).toThrow(
      'plugins need each other in a circle: makeA (plugin "p") → makeB (plugin "p") → makeA (plugin "p")',
    );
  });

  it('says which plugin a failing constructor or registration belongs to', () => {
    const failing = definePlugin({
      name: 'bad',
      register: ({ provide }) =>
        provide.factory(
          EngineToken,
          function makeEngine(): Engine {
            throw new Error('no fuel');
          },
          [],
        ),
    });
    expect(() => createHost({ plugins: [failing, car], logger }).get(CarToken)).toThrow(
      'plugin "bad": makeEngine could not be made: no fuel',
    );
    const throwing = definePlugin({
      name: 'worse',
      register: () => {
        throw new Error('boom');
      },
    });
    expect(() => createHost({ plugins: [throwing], logger })).toThrow('plugin "worse" failed to register: boom');
  });

  it('speaks for each plugin with its own identity, and lists what each must be allowed', () => {
    const users: string[] = [];
    const clients = definePlugin({
      name: 'clients',
      register: ({ provide }) =>
        provide.value(Clients, {
          as: (user) => {
            users.push(user.name);
            return createClient(noTransport);
          },
        }),
    });
    const speaker = (plugin: string, more: object = {}) =>
      definePlugin({
        name: plugin,
        ...more,
        register: ({ provide }) => {
          provide.factory(token<Client>(`${plugin}/1`), (client: Client) => client, [Client]);
          provide.factory(token<Client>(`${plugin}/2`), (client: Client) => client, [Client]);
        },
      });
    const rules = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }];
    const host = createHost({
      plugins: [
        clients,
        speaker('plain'),
        speaker('scheduler', { user: 'system:kube-scheduler' }),
        speaker('ruled', { rules }),
      ],
      logger,
    });
    for (const each of ['plain', 'scheduler', 'ruled']) {
      const [one, two] = [host.get(token<Client>(`${each}/1`)), host.get(token<Client>(`${each}/2`))];
      expect(one).toBe(two);
    }
    expect(users).toEqual(['system:keelson:plain', 'system:kube-scheduler', 'system:keelson:ruled']);
    expect(host.get(PluginGrants)).toEqual([
      { plugin: 'plain', user: 'system:keelson:plain', rules: 'cluster-admin' },
      { plugin: 'ruled', user: 'system:keelson:ruled', rules },
    ]);
    expect(host.grants).toBe(host.get(PluginGrants));
    expect(() => createHost({ plugins: [speaker('plain')], logger })).toThrow(
      'needs Client, which the host makes from Clients, and no plugin provides Clients',
    );
  });

  it('gives each plugin a logger with its name', () => {
    const lines: string[] = [];
    const Said = token<number>('Said');
    const plugin = definePlugin({
      name: 'talker',
      register: ({ provide }) =>
        provide.factory(
          Said,
          (log: Logger) => {
            log.info('hello', { n: 1 });
            return 1;
          },
          [Logger],
        ),
    });
    createHost({
      plugins: [plugin],
      logger: createLogger({ write: (line) => lines.push(line), clock: new FakeClock() }),
    }).get(Said);
    expect(lines).toEqual(['2026-01-01T00:00:00.000Z info  talker: hello n=1']);
  });

  it('wires thirty plugins in a few milliseconds', () => {
    const plugins = Array.from({ length: 30 }, (_, at) =>
      definePlugin({
        name: `p${at}`,
        register: ({ provide }) =>
          provide.factory(
            Lifecycles,
            (clock: Clock): Lifecycle => ({ name: `${clock.now()}`, phase: 'ready', start: async () => undefined }),
            [Clock],
          ),
      }),
    );
    createHost({ plugins, logger }).get(all(Lifecycles));
    const began = performance.now();
    createHost({ plugins, logger }).get(all(Lifecycles));
    expect(performance.now() - began).toBeLessThan(50);
  });
});

describe('createHost: start and stop', () => {
  const journal: string[] = [];
  const part = (plugin: string, phase: Phase, more: Partial<Lifecycle> = {}) =>
    definePlugin({
      name: plugin,
      register: ({ provide }) =>
        provide.value(Lifecycles, {
          name: plugin,
          phase,
          start: async () => void journal.push(`+${plugin}`),
          stop: async () => void journal.push(`-${plugin}`),
          ...more,
        }),
    });
  const run = async (act: () => Promise<void>) => {
    journal.length = 0;
    await act();
    return journal.join(' ');
  };

  it('starts by phase, then by order, and stops in reverse', async () => {
    const host = createHost({
      plugins: [part('node', 'node'), part('c1', 'controllers'), part('api', 'apiserver'), part('c2', 'controllers')],
      logger,
    });
    expect(
      await run(async () => {
        await host.start();
        await host.stop();
        await host.stop();
      }),
    ).toBe('+api +c1 +c2 +node -node -c2 -c1 -api');
  });

  it('stops what was started when a part fails, with the plugin in the error', async () => {
    const host = createHost({
      plugins: [
        part('api', 'apiserver'),
        part('bad', 'controllers', {
          start: async () => {
            throw new Error('no port');
          },
        }),
        part('node', 'node'),
      ],
      logger,
    });
    expect(await run(() => expect(host.start()).rejects.toThrow('plugin "bad": bad did not start: no port'))).toBe(
      '+api -bad -api',
    );
  });

  it('gives up on a part that exceeds its deadline, at start and at stop', async () => {
    const clock = new FakeClock();
    const never = () => new Promise<never>(() => undefined);
    const host = createHost({
      plugins: [part('slow', 'node', { start: never, startDeadlineMs: 1_000, stop: never, stopDeadlineMs: 500 })],
      logger,
      clock,
    });
    const started = expect(host.start()).rejects.toThrow('plugin "slow": slow did not start: no start within 1 s');
    await clock.advance(1_500);
    await started;
    const stuck = createHost({
      plugins: [part('stuck', 'node', { stop: never }), part('fine', 'ready')],
      logger,
      clock,
    });
    await stuck.start();
    const stopped = expect(stuck.stop()).rejects.toThrow('plugin "stuck": stuck did not stop: no stop within 10 s');
    await clock.advance(10_000);
    await stopped;
  });

  it('a stop during the start ends it', async () => {
    const waiting = part('waiting', 'node', {
      start: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const host: Host = createHost({ plugins: [part('api', 'apiserver'), waiting], logger });
    expect(
      await run(async () => {
        const started = expect(host.start()).rejects.toThrow('the host is stopped');
        await settle();
        await host.stop();
        await started;
      }),
    ).toBe('+api -waiting -api');
  });

  it('carries the plugins of the SDK', async () => {
    const clients = definePlugin({
      name: 'clients',
      register: ({ provide }) => provide.value(Clients, { as: () => createClient(noTransport) }),
    });
    const host = createHost({
      plugins: [clients, informersPlugin, eventRecorderPlugin, controllerManagerPlugin],
      logger,
    });
    await host.start();
    expect(host.get(Informers)).toBeDefined();
    await host.stop();
  });
});
