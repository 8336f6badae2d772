import {
  Clock,
  type ControllerManager,
  definePlugin,
  isJsonObject,
  type JsonValue,
  type KubernetesObject,
  keyOf,
  Leadership,
  messageOf,
  type Operator,
  ReconcileObservers,
  type Transport,
} from '@keelson/core';
import { type AnyPlugin, Manager } from '@keelson/core/host';
import { Lifecycles } from '@keelson/core/plugin';
import { ReconcileScope, type RecordingLine, recordedTransport } from '@keelson/core/recording';
import { SimulatedProcess } from '../simulated-process.ts';
import { type Invariants, type SimulatedWorld, Violation, World } from '../simulated-world.ts';
import { objectId } from './collected-lines.ts';
import {
  type ForeignChange,
  type History,
  kindText,
  type RecordedKind,
  type RecordedObject,
  type RecordedSession,
} from './history.ts';
import { PlacedObjects } from './placed-objects.ts';
import { rebase } from './rebase.ts';
import { RecordedFate } from './recorded-fate.ts';
import { RecordedPace } from './recorded-pace.ts';
import type { ReplayPlan } from './replay-plan.ts';

/** What is replayed with, and held against it. */
export interface Replayed {
  /** Makes the operators anew whenever a process starts: a crash forgets all that was in memory. */
  operators(world: SimulatedWorld): readonly Operator[];
  /** Must hold after every write of an operator and every change by others. */
  readonly always?: Invariants;
  /** Must hold when the recording is over and everything has calmed down. */
  readonly finally?: Invariants;
  /** Virtual time to calm down in. Default 10 minutes. */
  readonly calmMs?: number;
}

type Moment = { readonly at: number } & (
  | { readonly change: ForeignChange }
  | { readonly starts: RecordedSession }
  | { readonly dies: true }
);

/** One run of what was recorded, or of a part of it. */
export class ReplayRun {
  readonly #history: History;
  readonly #plan: ReplayPlan;
  readonly #replayed: Replayed;
  readonly #world: World;
  readonly #placed: PlacedObjects;
  readonly #fate: RecordedFate;
  readonly #pace: RecordedPace;
  readonly #lines: RecordingLine[] = [];
  /** What is to be done to objects that the operator has yet to make. */
  readonly #waiting = new Map<string, ForeignChange[]>();
  #process: SimulatedProcess | undefined;
  #session: RecordedSession | undefined;
  #lives = 0;
  #toTheEnd = false;
  #violation: Violation | undefined;

  constructor(history: History, plan: ReplayPlan, replayed: Replayed) {
    this.#history = history;
    this.#plan = plan;
    this.#replayed = replayed;
    this.#world = new World({ seed: 1, startedAt: history.startedAt, always: replayed.always ?? {} });
    this.#placed = new PlacedObjects(this.#world);
    this.#pace = new RecordedPace(history.reconciles);
    this.#fate = new RecordedFate(this.#world, history, plan, () => this.#catchUp());
  }

  get timeline(): readonly string[] {
    return this.#world.timeline;
  }

  /** What the operator has seen and done now, as a recording tells it. */
  get lines(): readonly RecordingLine[] {
    return this.#lines;
  }

  /** Changes that could not be played: what they were made to is not there now. */
  get unplayed(): readonly ForeignChange[] {
    return [...this.#waiting.values()].flat();
  }

  /**
   * @param toTheEnd goes on after what is violated first
   * @throws Violation
   */
  async play(toTheEnd: boolean): Promise<void> {
    this.#toTheEnd = toTheEnd;
    const { always = {}, finally: atLast = {}, calmMs = 600_000 } = this.#replayed;
    const world = this.#world;
    await world.start();
    await this.#place();
    for (const moment of this.#moments()) {
      await this.#passUntil(moment.at);
      if ('dies' in moment) this.#die();
      else if ('starts' in moment) this.#start(moment.starts);
      else {
        await this.#heeding(() => world.during(() => this.#change(moment.change)));
        await this.#heeding(() => world.check(always));
      }
    }
    await this.#passUntil(this.#history.endedAt);
    await this.#passUntil(world.clock.now() + calmMs);
    await this.#heeding(() => world.check(always));
    await this.#heeding(() => world.check(atLast));
    if (this.#violation) throw this.#violation;
  }

  async #passUntil(at: number): Promise<void> {
    const { clock } = this.#world;
    while (clock.now() < at) await this.#heeding(() => this.#world.pass(at - clock.now()));
  }

  async #heeding(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Violation) || !this.#toTheEnd) throw error;
      this.#violation ??= error;
      this.#world.goOn();
    }
  }

  async end(): Promise<void> {
    await this.#process?.stop();
    await this.#world.end();
  }

  async #place(): Promise<void> {
    const world = this.#world;
    const operators = this.#replayed.operators(world.shown);
    const { initial, changes } = this.#plan;
    const placed: readonly RecordedObject[] = [
      ...initial,
      ...changes.map(({ kind, after: object }) => ({ kind, object })),
    ];
    await world.during(() => this.#placed.install(operators));
    await world.served(operators);
    await world.during(() => this.#placed.prepare(placed));
    for (const { kind, object } of initial) await world.during(() => this.#put(kind, object));
  }

  /** What happens when, in its order. */
  #moments(): readonly Moment[] {
    const { sessions } = this.#history;
    const restarts = new Set(this.#plan.faults.flatMap((each) => (each.what === 'restart' ? each.session : [])));
    const moments: Moment[] = this.#plan.changes.map((change) => ({ at: change.at, change }));
    for (const [at, session] of sessions.entries()) {
      if (at > 0 && !restarts.has(at)) continue;
      if (at > 0) moments.push({ at: sessions[at - 1]?.endedAt ?? session.startedAt, dies: true });
      moments.push({ at: session.startedAt, starts: session });
    }
    return moments.sort((left, right) => left.at - right.at);
  }

  #die(): void {
    this.#world.note('operator', 'the process ends');
    this.#process?.kill();
  }

  #start(session: RecordedSession): void {
    const world = this.#world;
    this.#session = session;
    if (this.#process) world.note('operator', 'a new process begins');
    this.#process ??= new SimulatedProcess({
      name: 'operator',
      operators: () => this.#replayed.operators(world.shown),
      client: world.client,
      clock: world.clock,
      random: world.random,
      fate: this.#fate,
      leaderElection: false,
      webhooks: world.webhooks,
      extend: (transport) => this.#recorded(transport),
    });
    this.#process.start();
  }

  /** Of each life of the process: it is recorded as the one of then was. */
  #recorded(transport: Transport): { readonly transport: Transport; readonly plugins: readonly AnyPlugin[] } {
    const sink = (line: RecordingLine) => void this.#lines.push(line);
    const { clock } = this.#world;
    const scope = new ReconcileScope(sink, clock);
    this.#lives += 1;
    const process = String(this.#lives);
    sink({ is: 'recording', format: 1, at: clock.now(), operator: 'now', process, part: 1, elects: false });
    const from = this.#session?.leadsFrom;
    const register: AnyPlugin['register'] = ({ provide }) => {
      provide.factory(ReconcileObservers, () => scope, []);
      provide.factory(ReconcileObservers, (own: Clock) => this.#pace.observer(own), [Clock]);
      provide.factory(
        Lifecycles,
        (manager: ControllerManager, own: Clock) => ({
          name: 'recorded-pace',
          phase: 'controllers' as const,
          start: async () => this.#pace.hasten(manager, own),
        }),
        [Manager, Clock],
      );
      if (from !== undefined) provide.factory(Leadership, () => leadingFrom(from, clock), []);
    };
    return {
      transport: recordedTransport(transport, { clock, sink, reconcile: () => scope.current }),
      plugins: [definePlugin({ name: 'recording', register })],
    };
  }

  async #put(kind: RecordedKind, object: KubernetesObject): Promise<string | undefined> {
    try {
      return await this.#placed.put(kind, object);
    } catch (error) {
      this.#world.note('replay', `${kindText(kind)} ${keyOf(object)} cannot be stored: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #change(change: ForeignChange): Promise<void> {
    const id = objectId(change.kind, change.key);
    const waiting = this.#waiting.get(id);
    if (waiting) waiting.push(change);
    else if (!(await this.#apply(change))) this.#waiting.set(id, [change]);
  }

  /** What was to be done to objects that were not there may be done now. */
  async #catchUp(): Promise<void> {
    for (const [id, [first, ...others]] of this.#waiting) {
      if (!first || !(await this.#placed.get(first.kind, first.key))) continue;
      this.#waiting.delete(id);
      for (const each of [first, ...others]) await this.#change(each);
    }
  }

  /** Whether it could be done. */
  async #apply(change: ForeignChange): Promise<boolean> {
    const { kind, key, how, before, after } = change;
    const current = await this.#placed.get(kind, key);
    if (!current && how === 'changed') return false;
    this.#world.note('somebody', `${verbs[how]} ${kindText(kind)} ${key}`);
    const version = current ? await this.#applyTo(current, change) : how === 'made' && (await this.#put(kind, after));
    if (version) this.#fate.arrives(version, change);
    if (how === 'gone' && current && before) await this.#release(change, before);
    return true;
  }

  async #applyTo(
    current: KubernetesObject,
    { kind, key, how, before, after }: ForeignChange,
  ): Promise<string | undefined> {
    const marked = after.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined;
    if (how === 'gone' || (how === 'changed' && marked)) return this.#placed.delete(kind, key);
    if (how === 'made') return undefined;
    const next = rebase(contentOf(current), before && contentOf(before), contentOf(after));
    if (!isJsonObject(next)) return undefined;
    const metadata = isJsonObject(next['metadata']) ? next['metadata'] : {};
    const { name, namespace, uid, creationTimestamp, generation = 1 } = current.metadata;
    const counted = before?.metadata.generation === after.metadata.generation ? generation : generation + 1;
    return this.#put(kind, {
      ...next,
      metadata: { ...metadata, name, namespace, uid, creationTimestamp, generation: counted },
    });
  }

  /** Others have removed their finalizers: those that the operator has now are its own matter. */
  async #release({ kind, key }: ForeignChange, before: KubernetesObject): Promise<void> {
    const left = await this.#placed.get(kind, key);
    const finalizers = left?.metadata.finalizers ?? [];
    const own = finalizers.filter((each) => !before.metadata.finalizers?.includes(each));
    if (left && own.length < finalizers.length) await this.#placed.release(kind, key, own);
  }
}

const verbs = { made: 'makes', changed: 'changes', gone: 'deletes' } as const;

/** Longer than any recording. */
const foreverMs = 2 ** 40;

function leadingFrom(at: number, clock: Clock): Leadership {
  return {
    async lead(signal) {
      await clock.sleep(Math.min(Math.max(0, at - clock.now()), foreverMs), signal);
      return new AbortController().signal;
    },
  };
}

/** Without what the store sees to. */
function contentOf(object: KubernetesObject): JsonValue {
  const {
    resourceVersion: _,
    managedFields: __,
    generation: ___,
    uid: ____,
    creationTimestamp: _____,
    ...metadata
  } = object.metadata;
  return JSON.parse(JSON.stringify({ ...object, metadata }));
}
