import type { CustomResourceDefinition, KubernetesObject, PolicyRule, ResourceType } from '../api/index.ts';
import { Client } from '../client/index.ts';
import {
  addFinalizer,
  type Controller,
  Controllers,
  EventRecorder,
  hasFinalizer,
  type Predicate,
  type ReconcileContext,
  type ReconcileResult,
  removeFinalizer,
  type Watch,
  watch,
} from '../controller/index.ts';
import { type Informer, Informers } from '../informer/index.ts';
import { type Clock as ClockContract, type ObjectKey, type ObjectRef, objectKey } from '../machinery/index.ts';
import { Clock, Lifecycles, Logger, optional, type Plugin } from '../plugin/index.ts';
import { ChildApplier } from './child-applier.ts';
import { DeclaredAccess, leastPrivilege, type Use } from './declared-access.ts';
import {
  controllerIndex,
  controllerUid,
  type OperatorContext,
  type OperatorParts,
  OperatorRun,
} from './operator-context.ts';
import { type Definition, definitionLifecycle } from './serve-definition.ts';
import { Webhooks } from './webhooks.ts';

export interface OperatorDefinition<T extends KubernetesObject> {
  /** The plugin's name, and the component that events come from. */
  readonly name: string;
  /** The kind that it reconciles; its CustomResourceDefinition, if it has one, is installed at the start. */
  readonly for: ResourceType<T> & Definition;
  /** Kinds of the children: a change of one reconciles its owner. */
  readonly owns?: readonly ResourceType[];
  /** Kinds that objects refer to: a change of one reconciles those that name it. Found by an index, not by a search. */
  readonly references?: readonly Reference<T>[];
  /** Which changes of the object itself matter; default all. Its creation and deletion always do. */
  readonly when?: Predicate<T>;
  /** Further things that concern objects: `(informers) => [watch(informers.for(Secret)).map(…)]`. */
  readonly watches?: (informers: Informers) => readonly Watch[];
  /** Objects reconciled at once. Default 4. */
  readonly concurrency?: number;
  /** After so long a reconcile is aborted; in milliseconds, default 2 minutes. */
  readonly reconcileTimeoutMs?: number;
  /** What it does by its client or reads from caches beyond `for`, `owns` and `references`. Anything else is an error. */
  readonly uses?: readonly Use[];
  /** Rules that cannot be said by `uses`, such as of paths or of kinds that are not known before. */
  readonly rules?: readonly PolicyRule[];
  /** Called for every change of the object or of what it owns, and at the start; not while the object is being deleted. */
  reconcile(object: T, context: OperatorContext<T>): Promise<ReconcileResult | void>;
  /** Called before the object may go, until it resolves. With it every object gets a finalizer. */
  finalize?(object: T, context: OperatorContext<T>): Promise<void>;
}

/** Objects of a kind that others name. */
export interface Reference<T> {
  readonly type: ResourceType;
  /** Names of those that the object refers to, in its own namespace; or with the namespace they are in. */
  readonly by: (object: T) => readonly (string | ObjectRef)[];
}

/** A plugin like any other, for a host; or for `runOperator`, which makes the host. */
export interface Operator extends Plugin<undefined> {
  /** What it installs before it begins. */
  readonly crds: readonly CustomResourceDefinition[];
}

/**
 * An operator in one piece: what it is for, what it owns, and how it reconciles.
 *
 * @example
 * export default defineOperator({
 *   name: 'website',
 *   for: Website,
 *   owns: [Deployment],
 *   async reconcile(site, { apply, setStatus }) {
 *     const deployment = await apply(Deployment, { spec: deploymentFor(site) });
 *     setStatus({ ready: deployment.status?.readyReplicas ?? 0 });
 *   },
 * });
 */
export function defineOperator<T extends KubernetesObject>(definition: OperatorDefinition<T>): Operator {
  const { name, owns = [], references = [], uses = [], rules = [] } = definition;
  const { crd, conversion } = definition.for;
  const needed = leastPrivilege({
    for: definition.for,
    owns,
    references: references.map((each) => each.type),
    uses,
    rules,
    crd: crd?.metadata.name,
  });
  const access = new DeclaredAccess(name, needed);
  return {
    name,
    rules: needed,
    crds: crd ? [crd] : [],
    register({ provide }) {
      provide.factory(
        Controllers,
        (client: Client, informers: Informers, recorder: EventRecorder, logger: Logger, clock: ClockContract) =>
          new OperatorController(definition, access, { client, informers, recorder: recorder.as(name), logger, clock }),
        [Client, Informers, EventRecorder, Logger, Clock],
      );
      if (!crd) return;
      provide.factory(
        Lifecycles,
        (client: Client, webhooks: Webhooks | undefined) => definitionLifecycle(crd, conversion, client, webhooks),
        [Client, optional(Webhooks)],
      );
    },
  };
}

class OperatorController<T extends KubernetesObject> implements Controller {
  readonly name: string;
  readonly concurrency?: number;
  readonly reconcileTimeoutMs?: number;
  readonly watches: readonly Watch[];
  readonly #definition: OperatorDefinition<T>;
  readonly #informer: Informer<T>;
  readonly #parts: OperatorParts<T>;
  readonly #finalizer: string;

  constructor(
    definition: OperatorDefinition<T>,
    access: DeclaredAccess,
    environment: Pick<OperatorParts<T>, 'client' | 'informers' | 'recorder' | 'logger' | 'clock'>,
  ) {
    const { name, for: type, owns = [], references = [], watches, concurrency, reconcileTimeoutMs } = definition;
    const { informers } = environment;
    this.#definition = definition;
    this.name = name;
    if (concurrency !== undefined) this.concurrency = concurrency;
    if (reconcileTimeoutMs !== undefined) this.reconcileTimeoutMs = reconcileTimeoutMs;
    this.#finalizer = `${type.group}/${name}`;
    const own = informers.for(type);
    this.#informer = own;
    for (const each of owns) informers.for(each).addIndex(controllerIndex, controllerUid);
    this.watches = [
      ownWatch(own, definition.when),
      ...owns.map((each) => watch(informers.for(each)).owner(type)),
      ...references.map((each) => watch(informers.for(each.type)).referencedBy(own, keysOf(each))),
      ...(watches?.(access.informers(informers)) ?? []),
    ];
    this.#parts = {
      ...environment,
      type,
      access,
      owns,
      references: references.map((each) => each.type),
      observesGeneration: hasObservedGeneration(type),
      applier: new ChildApplier(name),
    };
  }

  async reconcile(key: ObjectKey, reconcile: ReconcileContext): Promise<ReconcileResult | void> {
    const { signal } = reconcile;
    let object = this.#informer.lister.get(key);
    if (!object) return undefined;
    const { type } = this.#parts;
    const client = reconcile.track(this.#parts.client, { quiet: true });
    const { finalize } = this.#definition;
    if (object.metadata.deletionTimestamp !== undefined) {
      if (!finalize || !hasFinalizer(object, this.#finalizer)) return undefined;
      const doomed = object;
      await this.#run(key, doomed, reconcile, (context) => finalize(doomed, context));
      await removeFinalizer(client, type, doomed, this.#finalizer, signal);
      return undefined;
    }
    if (finalize) object = await addFinalizer(client, type, object, this.#finalizer, signal);
    const current = object;
    return this.#run(key, current, reconcile, (context) => this.#definition.reconcile(current, context));
  }

  /** The status is written also where the reconcile fails: it may say why. */
  async #run<R>(
    key: ObjectKey,
    object: T,
    reconcile: ReconcileContext,
    act: (context: OperatorContext<T>) => Promise<R>,
  ): Promise<R> {
    const run = new OperatorRun(this.#parts, object, reconcile);
    try {
      const result = await act(run.context(key));
      await run.flush();
      return result;
    } catch (error) {
      if (!reconcile.signal.aborted) await this.#flushAfter(run, error);
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

function ownWatch<T extends KubernetesObject>(informer: Informer<T>, when: Predicate<T> | undefined): Watch {
  if (!when) return watch(informer).self();
  const matters: Predicate<T> = (object, event) =>
    event.type !== 'updated' ||
    object.metadata.deletionTimestamp !== event.previous.metadata.deletionTimestamp ||
    when(object, event);
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

function hasObservedGeneration({ crd, version }: ResourceType & Definition): boolean {
  const schema = crd?.spec.versions.find((each) => each.name === version)?.schema?.openAPIV3Schema;
  return schema?.properties?.['status']?.properties?.['observedGeneration'] !== undefined;
}
