import type { KubernetesObject, PolicyRule, ResourceType } from '../api/index.ts';
import type { Predicate, ReconcileResult, Watch } from '../controller/index.ts';
import type { Informers } from '../informer/index.ts';
import type { ObjectRef } from '../machinery/index.ts';
import type { Use } from './declared-access.ts';
import type { DefinedWebhook, MutateAnswer, ValidateAnswer, WebhookContext, WebhookRequest } from './define-webhook.ts';
import type { Dependent, DependentMaker } from './dependent.ts';
import type { OperatorContext } from './operator-context.ts';
import type { Definition } from './serve-definition.ts';

/** What `defineOperator` takes. `Name`: names of the dependents. */
export interface OperatorDefinition<
  T extends KubernetesObject,
  Name extends string = string,
  Owned extends ResourceType = ResourceType,
> {
  /** The plugin's name, and the component that events come from. */
  readonly name: string;
  /** The kind that it reconciles; its CustomResourceDefinition, if it has one, is installed at the start. */
  readonly for: ResourceType<T> & Definition;
  /**
   * Children and external resources that every object has, by name, brought about in their order: what comes `after`
   * others waits until those are ready (their events make it go on), and goes before they do, also when the object is
   * deleted; an object then has a finalizer. Children carry the label `keelson.dev/dependent`, which says whose they
   * are; their kinds are owned. Where the status has `conditions`, the condition `Ready` names what is waited for.
   *
   * The order is kept by the operator: who deletes an object in the foreground, or its namespace, has the children
   * deleted all at once. Kinds with children of their own are waited for until those are gone too.
   *
   * @example
   * dependents: ({ child, external }) => ({
   *   zone: external(zone),
   *   database: child(StatefulSet, { make: databaseFor }),
   *   web: child(Deployment, { after: ['database', 'zone'], make: webFor }),
   * }),
   */
  readonly dependents?: (make: DependentMaker<T>) => { readonly [K in Name]: Dependent<T, NoInfer<Name>> };
  /** Kinds of further children: a change of one reconciles its owner. */
  readonly owns?: readonly Owned[];
  /** Kinds that objects refer to: a change of one reconciles those that name it. Found by an index, not by a search. */
  readonly references?: readonly Reference<T>[];
  /**
   * Which objects of the kind are its business; default all. It passes over the others and puts no finalizer on them. One
   * that was its business and is not any more is finalized as if it were deleted, and its children go.
   */
  readonly only?: (object: T) => boolean;
  /** Which changes of the object itself matter; default all. Its creation and deletion always do. */
  readonly when?: Predicate<T>;
  /** Further things that concern objects: `(informers) => [watch(informers.for(Secret)).map(…)]`. */
  readonly watches?: (informers: Informers) => readonly Watch[];
  /** Every object is reconciled again after so long at the latest, a tenth more or less, in milliseconds. Default: never. */
  readonly everyMs?: number;
  /** Objects reconciled at once. Default 4. */
  readonly concurrency?: number;
  /** After so long a reconcile is aborted; in milliseconds, default 2 minutes. */
  readonly reconcileTimeoutMs?: number;
  /** What it does by its client or reads from caches beyond `for`, `owns` and `references`. Anything else is an error. */
  readonly uses?: readonly Use[];
  /** Rules that cannot be said by `uses`, such as of paths or of kinds that are not known before. */
  readonly rules?: readonly PolicyRule[];
  /**
   * Called for every change of the object or of what it owns, and at the start; not while the object is being deleted.
   * After the dependents, whether or not all are ready (`context.waiting`); may be left out where there are some,
   * or where webhooks are all that there is.
   */
  reconcile?(object: T, context: OperatorContext<T, Owned>): Promise<ReconcileResult | void>;
  /**
   * Called before the object may go and before its dependents do, until it resolves. With it every object gets a
   * finalizer. With `{ requeueAfter }` it is not done: the object stays, and `finalize` is called again after so long or
   * at the next event, for example of a Job that it waits for. Why it failed is told by an event of the object.
   */
  finalize?(object: T, context: OperatorContext<T, Owned>): Promise<ReconcileResult | void>;
  /**
   * Says whether an object of the kind may be created or changed as somebody wants it; not about those that are being
   * deleted, which nothing may keep from going. It is asked before anything is stored, in every copy of the process, and
   * while none is there nothing of the kind can be written. Nothing returned: allowed.
   *
   * @example
   * validate({ object, oldObject }) {
   *   if (oldObject && object.spec.storage < oldObject.spec.storage)
   *     return deny([{ field: 'spec.storage', message: 'cannot shrink' }]);
   *   return allow({ warnings: object.spec.replicas > 50 ? ['this is a lot'] : [] });
   * },
   */
  validate?(request: WebhookRequest<T>, context: WebhookContext): ValidateAnswer | Promise<ValidateAnswer>;
  /**
   * Says how an object of the kind is to be before it is validated and stored: a changed copy; nothing returned: as it
   * is. What a default in the schema can say need not be said here. Asked about the same as `validate`.
   */
  mutate?(
    request: WebhookRequest<T>,
    context: WebhookContext,
  ): MutateAnswer<NoInfer<T>> | Promise<MutateAnswer<NoInfer<T>>>;
  /** Webhooks that are about other kinds, other operations, or only some objects: see `defineWebhook`. */
  readonly webhooks?: readonly DefinedWebhook[];
}

/** Objects of a kind that others name. */
export interface Reference<T> {
  readonly type: ResourceType;
  /** The kind may not be served, or not yet: that keeps nothing waiting, and `get` finds nothing. */
  readonly optional?: boolean;
  /** Names of those that the object refers to, in its own namespace; or with the namespace they are in. */
  readonly by: (object: T) => readonly (string | ObjectRef)[];
}
