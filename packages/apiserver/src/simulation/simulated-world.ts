import {
  type Client,
  type Clock,
  ConnectionError,
  CustomResourceDefinition,
  isConditionTrue,
  type KubernetesObject,
  messageOf,
  type Operator,
  type Plugin,
  type Random,
  type ResourceType,
} from '@keelson/core';
import { FakeClock, seededRandom, settle } from '@keelson/core/testing';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import type { Fault } from './plan.ts';
import { SimulatedWebhooks } from './simulated-webhooks.ts';

/** The world of one run, for steps and invariants. */
export interface SimulatedWorld {
  /** An administrator's, to which nothing happens. */
  readonly client: Client;
  /** Virtual time. */
  readonly clock: Clock;
  /** Of this run alone. */
  readonly random: Random;
  /** What is stored now, of all namespaces unless one is given. */
  objects<T extends KubernetesObject>(type: ResourceType<T>, namespace?: string): Promise<readonly T[]>;
  /**
   * Something outside of the cluster, as operators reach it: each call of its methods may fail before or after it has
   * taken effect. Called with the same name it gives the same.
   */
  external<E extends object>(name: string, make: () => E): { readonly real: E; readonly reached: E };
}

/** Throws, or returns what is wrong, where it does not hold. */
export type Invariant = (world: SimulatedWorld) => Promise<string | void> | string | void;

/** Invariants by what they say: the name stands in the error. */
export type Invariants = Readonly<Record<string, Invariant>>;

/** What was violated, and what had happened. */
export interface Failure extends Pick<Violation, 'invariant' | 'message' | 'thrown'> {
  readonly timeline: readonly string[];
}

/** Whether two runs have failed in the same way. */
export const isSame = (one: Failure, other: Failure | undefined): boolean =>
  one.invariant === other?.invariant && one.thrown === other.thrown;

/** An invariant does not hold. */
export class Violation extends Error {
  readonly invariant: string;
  /** It could not be seen whether it holds: something else than that it does not. */
  readonly thrown: boolean;

  constructor(invariant: string, message: string, thrown: boolean) {
    super(message);
    this.invariant = invariant;
    this.thrown = thrown;
  }
}

export interface WorldOptions {
  readonly seed: number;
  /** Virtual time to begin at; milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly startedAt?: number;
  /** Must hold after every write of an operator. */
  readonly always: Invariants;
  /** What happens to the next call of something outside of the cluster. */
  externalFault?(): Fault | undefined;
}

/** An API server in virtual time, and what happens there. */
export class World {
  readonly clock: FakeClock;
  readonly random: Random;
  readonly timeline: string[] = [];
  readonly storage: MemoryStorage;
  readonly webhooks = new SimulatedWebhooks();
  /** For users of the simulation. */
  readonly shown: SimulatedWorld;
  readonly #options: WorldOptions;
  readonly #externals = new Map<string, { readonly real: object; readonly reached: object }>();
  readonly #started: number;
  #server: TestApiServer | undefined;
  #violation: Violation | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.clock = new FakeClock(options.startedAt);
    this.storage = new MemoryStorage({ clock: this.clock });
    this.random = seededRandom(options.seed ^ 0x5eed);
    this.#started = this.clock.now();
    const client = () => this.client;
    this.shown = {
      get client() {
        return client();
      },
      clock: this.clock,
      random: this.random,
      objects: async (type, namespace) =>
        (await client().list(type, { ...(namespace !== undefined && { namespace }) })).items,
      external: (name, make) => this.#external(name, make),
    };
  }

  get server(): TestApiServer {
    if (!this.#server) throw new Error('the simulated server has not started');
    return this.#server;
  }

  get client(): Client {
    return this.server.client;
  }

  async start(): Promise<void> {
    const { clock, random, storage, webhooks } = this;
    const starting = startTestApiServer({ clock, random, storage, registry: { localWebhooks: webhooks.at } });
    let ready = false;
    void starting.then(
      () => (ready = true),
      () => (ready = true),
    );
    await clock.advanceUntil(() => ready);
    this.#server = await starting;
  }

  async end(): Promise<void> {
    const stopping = this.#server?.stop();
    await this.clock.advance(60_000);
    await stopping;
  }

  note(who: string, text: string): void {
    const seconds = ((this.clock.now() - this.#started) / 1_000).toFixed(3).padStart(8);
    if (this.timeline.length < 2_000) this.timeline.push(`${seconds} s  ${who}: ${text}`);
  }

  /** After a write: what is violated is thrown to whoever plays, not to the operator. */
  async written(): Promise<void> {
    try {
      await this.check(this.#options.always);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violation ??= error;
    }
  }

  /** Resolves when what the operators define is served. */
  async served(operators: readonly (Operator | Plugin<undefined>)[]): Promise<void> {
    const names = operators.flatMap((each) => ('crds' in each ? each.crds.map(({ metadata }) => metadata.name) : []));
    const limit = this.clock.now() + 600_000;
    for (;;) {
      const served = (await this.shown.objects(CustomResourceDefinition)).filter(({ status }) =>
        isConditionTrue(status?.conditions, 'Established'),
      );
      if (names.every((name) => served.some(({ metadata }) => metadata.name === name))) return;
      if (this.clock.now() > limit) throw new Error('the operators did not install their definitions in ten minutes');
      await this.pass(100);
    }
  }

  /** Virtual time goes by, until something is violated. */
  async pass(ms: number): Promise<void> {
    const { clock } = this;
    const end = clock.now() + ms;
    while (clock.now() < end) {
      const next = clock.pending.nextInMs ?? ms;
      await clock.advance(Math.max(1, Math.min(next, end - clock.now())));
      this.raise();
    }
  }

  /** What is waited for may need time to go by. */
  async during(work: () => Promise<unknown>): Promise<void> {
    let ended = false;
    const working = work().finally(() => {
      ended = true;
    });
    working.catch(() => undefined);
    for (let turns = 0; !ended && turns < 100; turns += 1) await settle();
    if (!ended) await this.clock.advanceUntil(() => ended);
    await working;
    this.raise();
  }

  /** What was violated is not thrown again. */
  goOn(): void {
    this.#violation = undefined;
  }

  /** @throws Violation where something was violated */
  raise(): void {
    if (this.#violation) throw this.#violation;
  }

  /** @throws Violation */
  async check(invariants: Invariants): Promise<void> {
    for (const [name, holds] of Object.entries(invariants)) {
      let wrong: string | void;
      let thrown = false;
      const { refusals } = this.webhooks;
      try {
        wrong = await holds(this.shown);
      } catch (error) {
        // Nothing can be seen of what only a process that is dead can convert.
        if (this.webhooks.refusals > refusals) continue;
        wrong = messageOf(error);
        thrown = true;
      }
      if (typeof wrong === 'string') throw new Violation(name, wrong, thrown);
    }
  }

  #external<E extends object>(name: string, make: () => E): { readonly real: E; readonly reached: E } {
    let found = this.#externals.get(name);
    if (!found) {
      const real = make();
      found = { real, reached: this.#unreliable(name, real) };
      this.#externals.set(name, found);
    }
    // Made under this name by the same function.
    return found as { readonly real: E; readonly reached: E };
  }

  #unreliable<E extends object>(name: string, real: E): E {
    return new Proxy(real, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        return async (...args: readonly unknown[]) => {
          const what = `${name}.${String(property)}(${args.map((each) => JSON.stringify(each)).join(', ')})`;
          const fault = this.#options.externalFault?.();
          if (fault) this.note('operator', `${fault.kind}: ${what}`);
          if (fault?.kind === 'slow') await this.clock.sleep(fault.ms);
          if (fault && fault.kind !== 'slow' && fault.kind !== 'lost-answer' && fault.kind !== 'crash-after') {
            throw new ConnectionError(`${what}: connection refused`);
          }
          const answer: unknown = await Reflect.apply(member, target, args);
          this.note('operator', what);
          await this.written();
          if (fault && fault.kind !== 'slow') throw new ConnectionError(`${what}: the connection was reset`);
          return answer;
        };
      },
    });
  }
}
