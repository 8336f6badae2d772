import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { RetryLaterError, TerminalError } from '../controller/index.ts';
import { isStatusError, keyOf, type Random, validateLabelValue } from '../machinery/index.ts';
import { type Dependent, type ExternalDependent, type ExternalHands, type Hands, reasonOf } from './dependent.ts';
import { DependentGraph, type DependentState } from './dependent-graph.ts';
import { eachInTurn } from './each-in-turn.ts';
import { type ExternalNote, formatNote, noteAnnotation, parseNote } from './external-note.ts';
import { dependentLabel, type OperatorContext, type OperatorRun } from './operator-context.ts';

/** What a pass over the dependents came to. */
export interface DependentsOutcome {
  /** By name: why it is not ready, or not gone. */
  readonly waiting: ReadonlyMap<string, string>;
  /** By name. */
  readonly failures: ReadonlyMap<string, unknown>;
  /** When external resources want to be looked at again, in milliseconds. */
  readonly requeueAfter: number | undefined;
}

/** An operator's dependents, in the order that follows from their definition. */
export class DependentSet<T extends KubernetesObject> {
  readonly graph: DependentGraph;
  readonly #operator: string;
  readonly #all: ReadonlyMap<string, Dependent<T>>;

  /** @throws TypeError that names the dependent whose name or order is wrong */
  constructor(operator: string, dependents: Readonly<Record<string, Dependent<T>>>) {
    this.graph = new DependentGraph(dependents);
    this.#operator = operator;
    this.#all = new Map(Object.entries(dependents));
    const seen = new Map<object, string>();
    for (const [name, each] of this.#all) {
      const [wrong] = validateLabelValue(this.labelOf(name));
      if (wrong !== undefined) throw new TypeError(`dependents.${name}: "${this.labelOf(name)}": ${wrong}`);
      if (!('external' in each)) continue;
      const other = seen.get(each.external);
      if (other !== undefined) throw new TypeError(`dependents.${name}: it is the same external resource as ${other}`);
      seen.set(each.external, name);
    }
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether something has to be removed before an object may go: else the garbage collector does it. */
  get needsFinalizer(): boolean {
    return this.graph.hasOrder || [...this.#all.values()].some((each) => 'external' in each);
  }

  /** Kinds of the children, each once. */
  get types(): readonly ResourceType[] {
    const types = new Map<string, ResourceType>();
    for (const each of this.#all.values()) {
      if ('type' in each) types.set(`${each.type.plural}.${each.type.group}`, each.type);
    }
    return [...types.values()];
  }

  get(name: string): Dependent<T> | undefined {
    return this.#all.get(name);
  }

  /** By this label's value a child is told from those of other dependents; an external resource is noted under it. */
  labelOf(name: string): string {
    return `${this.#operator}.${name}`;
  }

  /** Of a child: the dependent that made it, also one that is no longer defined. */
  nameOf({ metadata }: KubernetesObject): string | undefined {
    const label = metadata.labels?.[dependentLabel];
    const prefix = this.labelOf('');
    return label?.startsWith(prefix) ? label.slice(prefix.length) : undefined;
  }
}

/** One pass over the dependents of one object. */
export class DependentsRun<T extends KubernetesObject> {
  readonly #set: DependentSet<T>;
  readonly #run: OperatorRun<T>;
  readonly #context: OperatorContext<T>;
  readonly #random: Random;
  readonly #states = new Map<string, DependentState>();
  /** By name: children that are not wanted any more. */
  readonly #surplus = new Map<string, readonly KubernetesObject[]>();
  readonly #waiting = new Map<string, string>();
  readonly #failures = new Map<string, unknown>();
  #requeueAfter: number | undefined;

  constructor(set: DependentSet<T>, run: OperatorRun<T>, context: OperatorContext<T>, random: Random) {
    this.#set = set;
    this.#run = run;
    this.#context = context;
    this.#random = random;
  }

  /** Brings all of them to what is wanted, as far as their order lets it now. */
  async bring(): Promise<DependentsOutcome> {
    for (const name of this.#set.graph.order) await this.#guarded(name, (each) => this.#bringOne(name, each));
    await this.#removeSurplus();
    if (this.#waiting.size === 0 && this.#failures.size === 0) await this.#removeStrays();
    return this.#outcome();
  }

  /** Removes all of them, as far as their order lets it now; when nothing waits or failed, all are gone. */
  async removeAll(): Promise<DependentsOutcome> {
    for (const name of this.#set.graph.order) {
      const dependent = this.#set.get(name);
      if (dependent) this.#notWanted(name, dependent);
    }
    await this.#removeSurplus();
    return this.#outcome();
  }

  #outcome(): DependentsOutcome {
    return { waiting: this.#waiting, failures: this.#failures, requeueAfter: this.#requeueAfter };
  }

  async #bringOne(name: string, dependent: Dependent<T>): Promise<void> {
    if (dependent.when && !dependent.when(this.#run.object)) return this.#notWanted(name, dependent);
    const awaited = this.#set.graph.awaited(name, this.#states);
    if (awaited.length > 0) {
      this.#states.set(name, { wanted: 'unknown', ready: false, surplus: false });
      this.#waiting.set(name, `waits for ${awaited.join(', ')}`);
      return;
    }
    if ('external' in dependent) {
      const { unready } = await dependent.bring(this.#externalHands(name));
      this.#states.set(name, { wanted: 'yes', ready: unready === undefined, surplus: false });
      if (unready !== undefined) this.#waiting.set(name, unready);
      this.#lookAgain(unready === undefined ? dependent.everyMs : dependent.pollMs);
      return;
    }
    const { children, unready } = await dependent.bring(this.#hands(name));
    if (!children) return this.#notWanted(name, dependent);
    const wanted = new Set(children.map(keyOf));
    if (wanted.size < children.length) throw new TypeError('make returned two children of one name');
    const surplus = this.#childrenOf(name, dependent.type).filter((each) => !wanted.has(keyOf(each)));
    this.#surplus.set(name, surplus);
    this.#states.set(name, { wanted: 'yes', ready: unready === undefined, surplus: surplus.length > 0 });
    if (unready !== undefined) this.#waiting.set(name, unready);
  }

  #notWanted(name: string, dependent: Dependent<T>): void {
    const there = 'type' in dependent ? this.#childrenOf(name, dependent.type) : [];
    this.#surplus.set(name, there);
    const surplus = there.length > 0 || ('external' in dependent && this.#noteOf(name) !== undefined);
    this.#states.set(name, { wanted: 'no', ready: false, surplus });
  }

  /** From the end of the graph to its beginning. */
  async #removeSurplus(): Promise<void> {
    const { graph } = this.#set;
    for (const name of graph.order.toReversed()) {
      const state = this.#states.get(name);
      if (!state?.surplus) continue;
      // Its successor is there, but does not do its work yet.
      if (state.wanted !== 'no' && !graph.isSettled(name, this.#states)) continue;
      const holders = graph.holders(name, this.#states);
      if (holders.length > 0) {
        if (!this.#waiting.has(name)) this.#waiting.set(name, `stays until ${holders.join(', ')} can do without`);
        continue;
      }
      await this.#guarded(name, async (dependent) => {
        const left = await this.#removeOne(name, dependent);
        this.#states.set(name, { ...state, surplus: left !== undefined });
        if (left !== undefined) this.#waiting.set(name, `${left} is being deleted`);
      });
    }
  }

  /** What is left of it; `undefined`: nothing. */
  async #removeOne(name: string, dependent: Dependent<T>): Promise<string | undefined> {
    if ('external' in dependent) return this.#removeExternal(name, dependent);
    const { type } = dependent;
    // Where something waits for it, its own children must be gone as well.
    const policy = this.#set.graph.before(name).length > 0 && ownsOthers(type) ? 'Foreground' : 'Background';
    let left: string | undefined;
    const removals = (this.#surplus.get(name) ?? []).map((each) => async () => {
      if (!(await this.#run.removeChild(type, each, policy))) left ??= `${type.kind} ${each.metadata.name}`;
    });
    await eachInTurn(this.#context.signal, removals);
    return left;
  }

  async #removeExternal(name: string, dependent: ExternalDependent<T>): Promise<string | undefined> {
    if (!(await dependent.remove(this.#externalHands(name)))) {
      this.#lookAgain(dependent.pollMs);
      return 'it';
    }
    // The annotation of an object that goes, goes with it.
    if (this.#run.object.metadata.deletionTimestamp === undefined) await this.#note(name, undefined);
    return undefined;
  }

  /** Children of dependents that are no longer defined; once all others are as they should be. */
  async #removeStrays(): Promise<void> {
    for (const type of this.#set.types) {
      for (const each of this.#run.children(type)) {
        const name = this.#set.nameOf(each);
        if (name === undefined || this.#set.get(name)) continue;
        await this.#run.removeChild(type, each, 'Background');
      }
    }
  }

  /** A failure keeps from nothing but what comes after. */
  async #guarded(name: string, act: (dependent: Dependent<T>) => Promise<void>): Promise<void> {
    const dependent = this.#set.get(name);
    if (!dependent) return;
    try {
      await act(dependent);
    } catch (error) {
      // What was read is out of date: so may be all else that would be decided now.
      if (this.#context.signal.aborted || isStatusError(error, 'Conflict')) throw error;
      this.#failures.set(name, error);
      const state = this.#states.get(name);
      this.#states.set(name, state ?? { wanted: 'yes', ready: false, surplus: false });
    }
  }

  #childrenOf(name: string, type: ResourceType): readonly KubernetesObject[] {
    return this.#run.children(type).filter((each) => this.#set.nameOf(each) === name);
  }

  #hands(name: string): Hands<T> {
    const run = this.#run;
    const labels = { [dependentLabel]: this.#set.labelOf(name) };
    return { object: run.object, context: this.#context, apply: (type, child) => run.apply(type, child, labels) };
  }

  #externalHands(name: string): ExternalHands<T> {
    const run = this.#run;
    const noteOf = () => this.#noteOf(name);
    return {
      ...this.#hands(name),
      id: `${run.object.metadata.uid}-${name}`,
      get noted() {
        return noteOf();
      },
      note: (note) => this.#note(name, note),
      observed: (external, state) => run.observe(external, state),
    };
  }

  #noteOf(name: string): ExternalNote | undefined {
    const { annotations, uid } = this.#run.object.metadata;
    return parseNote(annotations?.[noteAnnotation(this.#set.labelOf(name))], uid);
  }

  async #note(name: string, note: ExternalNote | undefined): Promise<void> {
    const { uid } = this.#run.object.metadata;
    if (uid === undefined) throw new TypeError('an object without a uid is not stored');
    await this.#run.annotate(noteAnnotation(this.#set.labelOf(name)), note && formatNote(uid, note));
  }

  #lookAgain(ms: number): void {
    const jittered = jitter(ms, this.#random);
    this.#requeueAfter = Math.min(this.#requeueAfter ?? jittered, jittered);
  }
}

/** A tenth more or less, so that what began together parts. */
export function jitter(ms: number, random: Random): number {
  return ms * (0.9 + 0.2 * random());
}

/** The condition `Ready` as the outcome makes it. */
export function readiness({ waiting, failures }: DependentsOutcome, going: boolean) {
  const lines = [
    ...[...failures].map(([name, error]) => `${name}: ${reasonOf(error)}`),
    ...[...waiting].filter(([name]) => !failures.has(name)).map(([name, why]) => `${name}: ${why}`),
  ];
  const reason = failures.size > 0 ? 'Failed' : going ? 'Deleting' : waiting.size > 0 ? 'Waiting' : 'AllReady';
  return { ready: reason === 'AllReady', reason, message: lines.join('; ') };
}

/** What to throw for the failures; `undefined`: there are none. Tried again unless all are terminal; when it was asked for, if none says otherwise. */
export function failureOf({ failures }: DependentsOutcome): Error | undefined {
  if (failures.size === 0) return undefined;
  const errors = [...failures.values()];
  const message = [...failures].map(([name, error]) => `${name}: ${reasonOf(error)}`).join('; ');
  const cause = errors.length === 1 ? errors[0] : new AggregateError(errors, message);
  const again = errors.filter((each) => !(each instanceof TerminalError));
  if (again.length === 0) return new TerminalError(message, { cause });
  const later = again.filter((each) => each instanceof RetryLaterError);
  if (later.length < again.length) return new Error(message, { cause });
  return new RetryLaterError(message, Math.min(...later.map((each) => each.afterMs)), { cause });
}

/** Whether objects of the kind have children of their own: built-in workloads, and all that is not built in. */
function ownsOthers({ group, kind }: ResourceType): boolean {
  if (group === 'apps' || group === 'batch' || kind === 'ReplicationController') return true;
  return group.includes('.') && !group.endsWith('.k8s.io');
}
