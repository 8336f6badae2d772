import { messageOf, type Operator, type Plugin } from '@keelson/core';
import { type FaultKind, faultKinds, fits, makePlan, type Plan } from './plan.ts';
import { shrink } from './shrink.ts';
import { type Fate, SimulatedProcess } from './simulated-process.ts';
import { type Failure, type Invariants, isSame, type SimulatedWorld, Violation, World } from './simulated-world.ts';

/** Something that users do. */
export interface SimulationStep {
  readonly name: string;
  run(world: SimulatedWorld): Promise<unknown>;
}

/** Operators, what users do, and what must hold. */
export interface Simulation {
  /** Makes the operators, and other plugins such as built-in controllers, anew whenever a process starts: a crash forgets all that was in memory. */
  operators(world: SimulatedWorld): readonly (Operator | Plugin<undefined>)[];
  /** Once, before the operators start. */
  setup?(world: SimulatedWorld): Promise<unknown>;
  /** What users do, in this order, at times that chance decides. */
  readonly steps: readonly SimulationStep[];
  /** Must hold after every write of an operator and every step. */
  readonly always?: Invariants;
  /** Must hold when the faults are over and everything has calmed down. */
  readonly finally?: Invariants;
  /** Processes that run the operators; with more than one they elect a leader. Default 1. */
  readonly copies?: number;
  /** What may happen. Default: everything. */
  readonly faults?: readonly FaultKind[];
  /** Of requests and deliveries at most this share has a fault. Default 0.25. */
  readonly faultRate?: number;
  /** Virtual time to calm down in. Default 10 minutes. */
  readonly calmMs?: number;
}

/** How often a simulation is run, and from which seed. */
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
          return isSame(failure, await runOnce(simulation, smaller));
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

async function runOnce(simulation: Simulation, plan: Plan): Promise<Failure | undefined> {
  const run = new Run(simulation, plan);
  try {
    await run.play();
    return undefined;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const { invariant, message, thrown } = error;
    return { invariant, message, thrown, timeline: run.timeline };
  } finally {
    await run.end();
  }
}

/** A process that has died is there again after a second. */
const mostAttempts = 60;

/** One run of one plan. */
class Run implements Fate {
  readonly #world: World;
  readonly #simulation: Simulation;
  readonly #plan: Plan;
  readonly #faults: ReadonlyMap<string, Plan['faults'][number]>;
  readonly #decided = { request: 0, watch: 0 };
  #processes: readonly SimulatedProcess[] = [];
  #calm = false;

  constructor(simulation: Simulation, plan: Plan) {
    this.#simulation = simulation;
    this.#plan = plan;
    this.#faults = new Map(plan.faults.map((each) => [`${each.on} ${each.at}`, each]));
    const { always = {} } = simulation;
    this.#world = new World({ seed: plan.seed, always, externalFault: () => this.next('write') });
  }

  get timeline(): readonly string[] {
    return this.#world.timeline;
  }

  async play(): Promise<void> {
    const { setup, steps, always = {}, finally: atLast = {}, copies = 1, calmMs = 600_000 } = this.#simulation;
    const world = this.#world;
    await world.start();
    await world.during(async () => setup?.(world.shown));
    this.#processes = Array.from({ length: copies }, (_, at) =>
      this.#process(copies === 1 ? 'operator' : `copy ${at + 1}`, copies > 1),
    );
    for (const each of this.#processes) each.start();
    // Users begin when there is something to use.
    await world.served(this.#simulation.operators(world.shown));
    for (const { step, afterMs } of this.#plan.steps) {
      await world.pass(afterMs);
      const { name, run } = steps[step]!;
      this.note('user', name);
      try {
        await this.#step(run);
      } catch (error) {
        if (error instanceof Violation) throw error;
        throw new StepError(`the step "${name}" failed: ${messageOf(error)} (seed ${this.#plan.seed})`, {
          cause: error,
        });
      }
      await world.check(always);
    }
    await world.pass(60_000);
    this.#calm = true;
    await world.pass(calmMs);
    await world.check(always);
    await world.check(atLast);
    world.raise();
  }

  /** What is refused because the operator's webhooks are not there is tried again, as by users. */
  async #step(run: SimulationStep['run']): Promise<void> {
    const world = this.#world;
    for (let attempts = 1; ; attempts += 1) {
      const { refusals } = world.webhooks;
      try {
        return await world.during(() => run(world.shown));
      } catch (error) {
        if (world.webhooks.refusals === refusals || attempts === mostAttempts) throw error;
      }
      await world.pass(1_000);
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
    await this.#world.end();
  }

  next(decision: 'read' | 'write' | 'watch') {
    if (this.#calm) return undefined;
    const on = decision === 'watch' ? 'watch' : 'request';
    const fault = this.#faults.get(`${on} ${this.#decided[on]++}`);
    return fault && fits(fault.kind, decision) ? fault : undefined;
  }

  note(who: string, text: string): void {
    this.#world.note(who, text);
  }

  written(): Promise<void> {
    return this.#world.written();
  }

  #process(name: string, leaderElection: boolean): SimulatedProcess {
    const world = this.#world;
    return new SimulatedProcess({
      name,
      operators: () => this.#simulation.operators(world.shown),
      client: world.client,
      clock: world.clock,
      random: world.random,
      webhooks: world.webhooks,
      fate: this,
      leaderElection,
    });
  }
}
