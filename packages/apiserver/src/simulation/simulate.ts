import {
  type Client,
  type Clock,
  ConnectionError,
  CustomResourceDefinition,
  isConditionTrue,
  type KubernetesObject,
  type Operator,
  type Random,
  type ResourceType,
} from '@keelson/core';
import { FakeClock, settle } from '@keelson/core/testing';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { type FaultKind, faultKinds, fits, makePlan, type Plan, seededRandom } from './plan.ts';
import { shrink } from './shrink.ts';
import { type Fate, SimulatedProcess } from './simulated-process.ts';

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

export interface SimulationStep {
  readonly name: string;
  run(world: SimulatedWorld): Promise<unknown>;
}

/** Throws, or returns what is wrong, where it does not hold. */
export type Invariant = (world: SimulatedWorld) => Promise<string | void> | string | void;

export interface Simulation {
  /** Makes the operators anew whenever a process starts: a crash forgets all that was in memory. */
  operators(world: SimulatedWorld): readonly Operator[];
  /** Once, before the operators start. */
  setup?(world: SimulatedWorld): Promise<unknown>;
  /** What users do, in this order, at times that chance decides. */
  readonly steps: readonly SimulationStep[];
  /** Must hold after every write of an operator and every step. */
  readonly always?: Readonly<Record<string, Invariant>>;
  /** Must hold when the faults are over and everything has calmed down. */
  readonly finally?: Readonly<Record<string, Invariant>>;
  /** Processes that run the operators; with more than one they elect a leader. Default 1. */
  readonly copies?: number;
  /** What may happen. Default: everything. */
  readonly faults?: readonly FaultKind[];
  /** Of requests and deliveries at most this share has a fault. Default 0.25. */
  readonly faultRate?: number;
  /** Virtual time to calm down in. Default 10 minutes. */
  readonly calmMs?: number;
}

export interface SimulateOptions {
  /** Of the first run; the next ones count up from it. Default 1. */
  readonly seed?: number;
  /** Default 100. */
  readonly runs?: number;
  /** How many runs may be made to find the shortest one that fails. Default 400. */
  readonly shrinkRuns?: number;
  readonly signal?: AbortSignal;
  /** Called after each run. */
  readonly progress?: (run: { readonly seed: number; readonly runs: number }) => void;
}

/** An invariant was violated. The message tells the seed, what was needed for it, and all that happened. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly seed: number;
  readonly invariant: string;
  /** The shortest plan that was found to violate it. */
  readonly plan: Plan;
  /** What happened in that plan's run, in order. */
  readonly timeline: readonly string[];

  constructor(seed: number, plan: Plan, failure: Failure) {
    const faults = plan.faults.length === 1 ? '1 fault' : `${plan.faults.length} faults`;
    const steps = plan.steps.length === 1 ? '1 step' : `${plan.steps.length} steps`;
    super(
      `${failure.invariant}: ${failure.message}\n` +
        `seed ${seed}; ${steps} and ${faults} are enough. What happened:\n` +
        failure.timeline.map((each) => `  ${each}`).join('\n') +
        `\nReplay it with simulate(…, { seed: ${seed}, runs: 1 }).`,
    );
    this.seed = seed;
    this.invariant = failure.invariant;
    this.plan = plan;
    this.timeline = failure.timeline;
  }
}

interface Failure {
  readonly invariant: string;
  readonly message: string;
  readonly timeline: readonly string[];
}

/**
 * Runs operators on an API server in virtual time, with faults at moments that the seed decides, and looks for a state
 * that must not be. Each seed gives the same run every time; the first one that fails is made as short as it can be.
 * @throws SimulationError for the first violated invariant
 */
export async function simulate(
  simulation: Simulation,
  options: SimulateOptions = {},
): Promise<{ readonly runs: number }> {
  const { seed: first = 1, runs = 100, shrinkRuns = 400, signal, progress } = options;
  const { faults = faultKinds, faultRate = 0.25, steps } = simulation;
  for (let run = 0; run < runs; run += 1) {
    signal?.throwIfAborted();
    const seed = first + run;
    const plan = makePlan(seed, steps.length, faults, faultRate);
    const failure = await runOnce(simulation, plan);
    if (failure) {
      let left = shrinkRuns;
      const same = async (smaller: Plan) => {
        left -= 1;
        try {
          return (await runOnce(simulation, smaller))?.invariant === failure.invariant;
        } catch (error) {
          if (error instanceof StepError) return false;
          throw error;
        }
      };
      const shortest = await shrink(plan, same, () => left > 0 && !signal?.aborted);
      throw new SimulationError(seed, shortest, (await runOnce(simulation, shortest)) ?? failure);
    }
    progress?.({ seed, runs: run + 1 });
  }
  return { runs };
}

/** A step of the users did not work: in a whole run the simulation is wrong, in a shortened one a step before it is missing. */
class StepError extends Error {}

class Violation extends Error {
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

async function runOnce(simulation: Simulation, plan: Plan): Promise<Failure | undefined> {
  const run = new Run(simulation, plan);
  try {
    await run.play();
    return undefined;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { invariant: error.invariant, message: error.message, timeline: run.timeline };
  } finally {
    await run.end();
  }
}

/** One run of one plan. */
class Run implements Fate {
  readonly #clock = new FakeClock();
  readonly #random: Random;
  readonly #world: SimulatedWorld;
  readonly timeline: string[] = [];
  readonly #simulation: Simulation;
  readonly #plan: Plan;
  readonly #faults: ReadonlyMap<string, Plan['faults'][number]>;
  readonly #decided = { request: 0, watch: 0 };
  readonly #externals = new Map<string, { readonly real: object; readonly reached: object }>();
  readonly #started: number;
  #server: TestApiServer | undefined;
  #processes: readonly SimulatedProcess[] = [];
  #violation: Violation | undefined;
  #calm = false;

  constructor(simulation: Simulation, plan: Plan) {
    this.#simulation = simulation;
    this.#plan = plan;
    this.#faults = new Map(plan.faults.map((each) => [`${each.on} ${each.at}`, each]));
    this.#random = seededRandom(plan.seed ^ 0x5eed);
    this.#started = this.#clock.now();
    const client = () => this.#client;
    this.#world = {
      get client() {
        return client();
      },
      clock: this.#clock,
      random: this.#random,
      objects: async (type, namespace) =>
        (await client().list(type, { ...(namespace !== undefined && { namespace }) })).items,
      external: (name, make) => this.#external(name, make),
    };
  }

  get #client(): Client {
    if (!this.#server) throw new Error('the simulated server has not started');
    return this.#server.client;
  }

  async play(): Promise<void> {
    const { setup, steps, always = {}, finally: atLast = {}, copies = 1, calmMs = 600_000 } = this.#simulation;
    const clock = this.#clock;
    const storage = new MemoryStorage({ clock });
    const starting = startTestApiServer({ clock, random: this.#random, storage });
    let ready = false;
    void starting.then(
      () => (ready = true),
      () => (ready = true),
    );
    await clock.advanceUntil(() => ready);
    this.#server = await starting;
    await this.#during(async () => setup?.(this.#world));
    this.#processes = Array.from({ length: copies }, (_, at) =>
      this.#process(copies === 1 ? 'operator' : `copy ${at + 1}`, copies > 1),
    );
    for (const each of this.#processes) each.start();
    await this.#served();
    for (const { step, afterMs } of this.#plan.steps) {
      await this.#pass(afterMs);
      const { name, run } = steps[step]!;
      this.note('user', name);
      try {
        await this.#during(() => run(this.#world));
      } catch (error) {
        if (error instanceof Violation) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new StepError(`the step "${name}" failed: ${why} (seed ${this.#plan.seed})`, { cause: error });
      }
      await this.#check(always);
    }
    await this.#pass(60_000);
    this.#calm = true;
    await this.#pass(calmMs);
    await this.#check(always);
    await this.#check(atLast);
    this.#raise();
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
    const stopping = this.#server?.stop();
    await this.#clock.advance(60_000);
    await stopping;
  }

  next(decision: 'read' | 'write' | 'watch') {
    if (this.#calm) return undefined;
    const on = decision === 'watch' ? 'watch' : 'request';
    const fault = this.#faults.get(`${on} ${this.#decided[on]++}`);
    return fault && fits(fault.kind, decision) ? fault : undefined;
  }

  note(who: string, text: string): void {
    const seconds = ((this.#clock.now() - this.#started) / 1_000).toFixed(3).padStart(8);
    if (this.timeline.length < 2_000) this.timeline.push(`${seconds} s  ${who}: ${text}`);
  }

  async written(): Promise<void> {
    const { always = {} } = this.#simulation;
    try {
      await this.#check(always);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      // Thrown to whoever plays, not to the operator.
      this.#violation ??= error;
    }
  }

  /** Users begin when there is something to use. */
  async #served(): Promise<void> {
    const names = this.#simulation
      .operators(this.#world)
      .flatMap((each) => each.crds.map(({ metadata }) => metadata.name));
    const limit = this.#clock.now() + 600_000;
    for (;;) {
      const served = (await this.#world.objects(CustomResourceDefinition)).filter(({ status }) =>
        isConditionTrue(status?.conditions, 'Established'),
      );
      if (names.every((name) => served.some(({ metadata }) => metadata.name === name))) return;
      if (this.#clock.now() > limit) throw new Error('the operators did not install their definitions in ten minutes');
      await this.#pass(100);
    }
  }

  #process(name: string, leaderElection: boolean): SimulatedProcess {
    return new SimulatedProcess({
      name,
      operators: () => this.#simulation.operators(this.#world),
      client: this.#client,
      clock: this.#clock,
      random: this.#random,
      fate: this,
      leaderElection,
    });
  }

  /** Virtual time goes by, until something is violated. */
  async #pass(ms: number): Promise<void> {
    const end = this.#clock.now() + ms;
    while (this.#clock.now() < end) {
      const next = this.#clock.pending.nextInMs ?? ms;
      await this.#clock.advance(Math.max(1, Math.min(next, end - this.#clock.now())));
      this.#raise();
    }
  }

  /** What a step waits for may need time to go by. */
  async #during(work: () => Promise<unknown>): Promise<void> {
    let ended = false;
    const working = work().finally(() => {
      ended = true;
    });
    working.catch(() => undefined);
    for (let turns = 0; !ended && turns < 100; turns += 1) await settle();
    if (!ended) await this.#clock.advanceUntil(() => ended);
    await working;
    this.#raise();
  }

  #raise(): void {
    if (this.#violation) throw this.#violation;
  }

  async #check(invariants: Readonly<Record<string, Invariant>>): Promise<void> {
    for (const [name, holds] of Object.entries(invariants)) {
      let wrong: string | void;
      try {
        wrong = await holds(this.#world);
      } catch (error) {
        wrong = error instanceof Error ? error.message : String(error);
      }
      if (typeof wrong === 'string') throw new Violation(name, wrong);
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
          const fault = this.next('write');
          if (fault) this.note('operator', `${fault.kind}: ${what}`);
          if (fault?.kind === 'slow') await this.#clock.sleep(fault.ms);
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
