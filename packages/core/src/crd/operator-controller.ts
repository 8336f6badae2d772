import type { KubernetesObject, ResourceType } from '../api/index.ts';
import {
  addFinalizer,
  type Controller,
  hasFinalizer,
  type Predicate,
  type ReconcileContext,
  type ReconcileResult,
  removeFinalizer,
  type Watch,
  watch,
} from '../controller/index.ts';
import type { Informer } from '../informer/index.ts';
import { type ObjectKey, objectKey, type Random } from '../machinery/index.ts';
import { ChildApplier } from './child-applier.ts';
import type { DeclaredAccess } from './declared-access.ts';
import { reasonOf } from './dependent.ts';
import {
  controllerIndex,
  controllerUid,
  type OperatorContext,
  type OperatorParts,
  OperatorRun,
  scopeOf,
} from './operator-context.ts';
import type { OperatorDefinition, Reference } from './operator-definition.ts';
import { watchRemoteChildren } from './remote-children.ts';
import {
  type DependentSet,
  type DependentsOutcome,
  DependentsRun,
  failureOf,
  jitter,
  readiness,
} from './run-dependents.ts';
import type { Definition } from './serve-definition.ts';

/** An object that goes, while a cluster in which it has children is away, is looked at again after so long. */
const awayMs = 30_000;

export interface OperatorEnvironment<T extends KubernetesObject>
  extends Pick<OperatorParts<T>, 'client' | 'cluster' | 'peers' | 'informers' | 'recorder' | 'logger' | 'clock'> {
  readonly random: Random;
}

/** Reconciles the objects of an operator's kind as its definition says. */
export class OperatorController<T extends KubernetesObject> implements Controller {
  readonly name: string;
  readonly concurrency?: number;
  readonly reconcileTimeoutMs?: number;
  readonly watches: readonly Watch[];
  readonly #definition: OperatorDefinition<T>;
  readonly #dependents: DependentSet<T>;
  readonly #informer: Informer<T>;
  readonly #parts: OperatorParts<T>;
  readonly #random: Random;
  readonly #hasConditions: boolean;
  /** Held until `finalize` is done. */
  readonly #finalizer: string;
  /** Held until the dependents are gone, so that it is known after a restart that `finalize` need not be called again. */
  readonly #dependentsFinalizer: string;

  constructor(
    definition: OperatorDefinition<T>,
    dependents: DependentSet<T>,
    access: DeclaredAccess,
    { random, ...environment }: OperatorEnvironment<T>,
  ) {
    const { name, for: type, references = [], watches, concurrency, reconcileTimeoutMs } = definition;
    const { informers } = environment;
    const owns = ownedBy(definition, dependents);
    this.#definition = definition;
    this.#dependents = dependents;
    this.#random = random;
    this.name = name;
    if (concurrency !== undefined) this.concurrency = concurrency;
    if (reconcileTimeoutMs !== undefined) this.reconcileTimeoutMs = reconcileTimeoutMs;
    const domain = domainOf(type);
    this.#finalizer = `${domain}/${name}`;
    this.#dependentsFinalizer = `${domain}/${name}.dependents`;
    const own = informers.for(type);
    this.#informer = own;
    for (const each of owns) informers.for(each).addIndex(controllerIndex, controllerUid);
    this.watches = [
      ownWatch(own, definition),
      ...owns.map((each) => watch(informers.for(each)).owner(type)),
      ...(environment.cluster === undefined ? [] : owns.map((each) => watchRemoteChildren(name, each, informers))),
      ...references.map((each) => watch(informers.for(each.type, scopeOf(each))).referencedBy(own, keysOf(each))),
      ...(watches?.(access.informers(informers)) ?? []),
    ];
    this.#hasConditions = hasStatusField(type, 'conditions');
    this.#parts = {
      ...environment,
      operator: name,
      clustersFinalizer: `${domain}/${name}.clusters`,
      type,
      access,
      owns,
      references,
      observesGeneration: hasStatusField(type, 'observedGeneration'),
      applier: new ChildApplier(name),
    };
  }

  async reconcile(key: ObjectKey, reconcile: ReconcileContext): Promise<ReconcileResult | void> {
    const { signal } = reconcile;
    const object = this.#informer.lister.get(key);
    if (!object) return undefined;
    if (object.metadata.deletionTimestamp !== undefined) return this.#delete(key, object, reconcile);
    if (this.#definition.only?.(object) === false) return this.#letGo(key, object, reconcile);
    const { type, client } = this.#parts;
    const quiet = reconcile.track(client, { quiet: true });
    let current = object;
    for (const each of this.#finalizers()) current = await addFinalizer(quiet, type, current, each, signal);
    const run = new OperatorRun(this.#parts, current, reconcile);
    return this.#flushed(run, () => this.#bring(run, run.context(key)));
  }

  /** It never was the operator's business, or is it no longer. */
  async #letGo(key: ObjectKey, object: T, reconcile: ReconcileContext): Promise<ReconcileResult> {
    const unfinished = await this.#delete(key, object, reconcile);
    if (unfinished) return unfinished;
    const run = new OperatorRun(this.#parts, this.#informer.lister.get(key) ?? object, reconcile);
    const context = run.context(key);
    if (this.#dependents.size > 0 && !this.#dependents.needsFinalizer) {
      const failure = failureOf(await new DependentsRun(this.#dependents, run, context, this.#random).removeAll());
      if (failure) throw failure;
    }
    await context.prune();
    return undefined;
  }

  #finalizers(): readonly string[] {
    return [
      ...(this.#definition.finalize ? [this.#finalizer] : []),
      ...(this.#dependents.needsFinalizer ? [this.#dependentsFinalizer] : []),
    ];
  }

  async #bring(run: OperatorRun<T>, context: OperatorContext<T>): Promise<ReconcileResult> {
    const { everyMs, reconcile } = this.#definition;
    const times = everyMs === undefined ? [] : [jitter(everyMs, this.#random)];
    let failure: Error | undefined;
    if (this.#dependents.size > 0) {
      const outcome = await new DependentsRun(this.#dependents, run, context, this.#random).bring();
      this.#report(run, outcome);
      failure = failureOf(outcome);
      if (outcome.requeueAfter !== undefined) times.push(outcome.requeueAfter);
    }
    try {
      const result = await reconcile?.(run.object, context);
      if (result) times.push(result.requeueAfter);
    } catch (error) {
      if (failure === undefined) throw error;
      throw new AggregateError([failure, error], `${failure.message}; ${reasonOf(error)}`);
    }
    if (failure) throw failure;
    return times.length === 0 ? undefined : { requeueAfter: Math.min(...times) };
  }

  /** First `finalize`, then the dependents, each with a finalizer of its own. */
  async #delete(key: ObjectKey, object: T, reconcile: ReconcileContext): Promise<ReconcileResult> {
    const { type, client } = this.#parts;
    const quiet = reconcile.track(client, { quiet: true });
    const { finalize } = this.#definition;
    let current = object;
    if (finalize && hasFinalizer(current, this.#finalizer)) {
      const run = new OperatorRun(this.#parts, current, reconcile);
      const unfinished = await this.#flushed(run, () => this.#finalize(run, run.context(key)));
      if (unfinished) return unfinished;
      const left = await removeFinalizer(quiet, type, run.object, this.#finalizer, reconcile.signal);
      if (!left) return undefined;
      current = left;
    }
    const { clustersFinalizer } = this.#parts;
    if (hasFinalizer(current, clustersFinalizer)) {
      const run = new OperatorRun(this.#parts, current, reconcile);
      const left = await this.#flushed(run, () => this.#removeElsewhere(run));
      // No event tells that a cluster is back.
      if (left.length > 0) return { requeueAfter: jitter(awayMs, this.#random) };
      const next = await removeFinalizer(quiet, type, run.object, clustersFinalizer, reconcile.signal);
      if (!next) return undefined;
      current = next;
    }
    if (!hasFinalizer(current, this.#dependentsFinalizer)) return undefined;
    const run = new OperatorRun(this.#parts, current, reconcile);
    const outcome = await this.#flushed(run, async () => {
      const context = run.context(key);
      const removed = await new DependentsRun(this.#dependents, run, context, this.#random).removeAll();
      this.#report(run, removed);
      const failure = failureOf(removed);
      if (failure) throw failure;
      return removed;
    });
    if (outcome.waiting.size > 0) {
      return outcome.requeueAfter === undefined ? undefined : { requeueAfter: outcome.requeueAfter };
    }
    await removeFinalizer(quiet, type, run.object, this.#dependentsFinalizer, reconcile.signal);
    return undefined;
  }

  async #removeElsewhere(run: OperatorRun<T>): Promise<readonly string[]> {
    const left = await run.removeElsewhere();
    if (this.#hasConditions && left.length > 0) run.setCondition('Ready', false, 'Deleting', left.join('; '));
    return left;
  }

  async #finalize(run: OperatorRun<T>, context: OperatorContext<T>): Promise<ReconcileResult | void> {
    try {
      return await this.#definition.finalize?.(run.object, context);
    } catch (error) {
      if (!context.signal.aborted) context.event('Warning', 'FinalizeFailed', reasonOf(error));
      throw error;
    }
  }

  #report(run: OperatorRun<T>, outcome: DependentsOutcome): void {
    run.waiting = [...new Set([...outcome.waiting.keys(), ...outcome.failures.keys()])];
    if (!this.#hasConditions) return;
    const going = run.object.metadata.deletionTimestamp !== undefined;
    const { ready, reason, message } = readiness(outcome, going);
    run.setCondition('Ready', ready, reason, message);
  }

  /** The status is written also where the reconcile fails: it may say why. */
  async #flushed<R>(run: OperatorRun<T>, act: () => Promise<R>): Promise<R> {
    try {
      const result = await act();
      await run.flush();
      return result;
    } catch (error) {
      if (!run.signal.aborted) await this.#flushAfter(run, error);
      throw error;
    }
  }

  async #flushAfter(run: OperatorRun<T>, cause: unknown): Promise<void> {
    try {
      await run.flush();
    } catch (error) {
      if (error !== cause) this.#parts.logger.warn('the status was not written', { error });
    }
  }
}

/** Kinds of all children, each once. */
export function ownedBy<T extends KubernetesObject>(
  { owns = [] }: OperatorDefinition<T>,
  dependents: DependentSet<T>,
): OperatorParts<T>['owns'] {
  const further = dependents.types.filter(
    ({ group, plural }) => !owns.some((each) => each.group === group && each.plural === plural),
  );
  return [...owns, ...further];
}

/** Finalizers need a domain, which kinds of Kubernetes' own do not lend. */
function domainOf({ group }: ResourceType): string {
  return group.includes('.') && !group.endsWith('.k8s.io') ? group : 'keelson.dev';
}

function ownWatch<T extends KubernetesObject>(informer: Informer<T>, { when, only }: OperatorDefinition<T>): Watch {
  if (!when && !only) return watch(informer).self();
  const matters: Predicate<T> = (object, event) => {
    if (event.type !== 'updated' || object.metadata.deletionTimestamp !== event.previous.metadata.deletionTimestamp) {
      return true;
    }
    if (only && only(object) !== only(event.previous)) return true;
    return (only?.(object) ?? true) && (when?.(object, event) ?? true);
  };
  return watch(informer).filter(matters).self();
}

function keysOf<T extends KubernetesObject>({ type, by }: Reference<T>): (object: T) => readonly ObjectKey[] {
  return (object) =>
    by(object).map((each) => {
      const ref = typeof each === 'string' ? { name: each } : each;
      const namespace = type.namespaced ? (ref.namespace ?? object.metadata.namespace) : undefined;
      return objectKey({ name: ref.name, ...(namespace && { namespace }) });
    });
}

function hasStatusField({ crd, version }: ResourceType & Definition, name: string): boolean {
  const schema = crd?.spec.versions.find((each) => each.name === version)?.schema?.openAPIV3Schema;
  return schema?.properties?.['status']?.properties?.[name] !== undefined;
}
