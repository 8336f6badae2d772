import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { isStatusError, messageOf } from '../machinery/index.ts';
import type { ChildObject } from './child-applier.ts';
import { eachInTurn } from './each-in-turn.ts';
import type { ExternalNote } from './external-note.ts';
import { isReady } from './is-ready.ts';
import type { Observes, OperatorContext } from './operator-context.ts';

/** What children and external resources have in common. */
export interface DependentOrder<T, Name extends string = string> {
  /** Names of those that must be ready before this one is made or changed, and which stay until it is gone. */
  readonly after?: readonly Name[];
  /** Whether the object has it at all; asked also while it waits. Default: yes. */
  readonly when?: (object: T) => boolean;
}

/** A dependent that is an object of the cluster, or several of one kind. */
export interface ChildSpec<T extends KubernetesObject, C extends KubernetesObject, Name extends string>
  extends DependentOrder<T, Name> {
  /**
   * The child, or several of them, as `apply` takes them; `undefined`: there is to be none. Called when all that it
   * comes after is ready. Children that it does not return any more are deleted, once those that come after it are
   * ready without them.
   */
  readonly make: (object: T, context: OperatorContext<T>) => Made<C> | undefined | Promise<Made<C> | undefined>;
  /**
   * Whether a child does its work, so that what comes after it may begin. Default: built-in kinds by their status as
   * `kubectl rollout status` looks at it, others by their condition `Ready`, if they have one.
   */
  readonly ready?: (child: C) => boolean;
}

type Made<C extends KubernetesObject> = ChildObject<C> | readonly ChildObject<C>[];

/** What the functions of an external resource work with. */
export interface ExternalContext<T extends KubernetesObject> extends OperatorContext<T> {
  /**
   * The same for an object as long as it lives, and no other's: to be left on the resource (a tag, a comment, an
   * idempotency token), so that `observe` finds what was made when the process died before it could note it.
   */
  readonly id: string;
  /** What `idOf` gave, once it is noted. */
  readonly remoteId: string | undefined;
}

/** Something outside of the cluster that an object stands for. All functions are called again after a failure. */
export interface ExternalSpec<T extends KubernetesObject, Observed> {
  /** What is there; `undefined`: nothing. By the `remoteId`, if there is one: the object may by now want another name. */
  observe(object: T, context: ExternalContext<T>): Promise<Observed | undefined>;
  /** Makes it; must fail where something of that name is there already. Without a result it is observed again. */
  create(object: T, context: ExternalContext<T>): Promise<Observed | void>;
  /** Whether what is there is not as the object wants it. */
  differs?(object: T, observed: Observed): boolean;
  /** Brings it to what the object wants. Without a result it is observed again. */
  update?(object: T, observed: Observed, context: ExternalContext<T>): Promise<Observed | void>;
  /** Takes it away; may return before it is gone. */
  delete(observed: Observed, object: T, context: ExternalContext<T>): Promise<void>;
  /** Default: as soon as it is there. */
  ready?(observed: Observed): boolean;
  /** Its name on the other side, one that stays: to be noted, for `observe`, and to tell it from others. Or `isOurs`. */
  idOf?(observed: Observed): string;
  /** Whether it carries the object's `id`. Without it, what has the name that was noted when it was made. */
  isOurs?(observed: Observed, context: ExternalContext<T>): boolean;
  /** Whether what was there before is taken over: it is changed from then on, and stays when the object goes. Default: the object is not ready while it is there. */
  readonly adopt?: boolean;
  /** It is looked at again after so long, a tenth more or less, in milliseconds; default ten minutes. */
  readonly everyMs?: number;
  /** … and while it is not ready, or not gone; default five seconds. */
  readonly pollMs?: number;
}

/** Made by `defineExternal`: to be put among an operator's dependents, and to be read by `context.observed`. */
export interface External<T extends KubernetesObject, Observed> extends ExternalSpec<T, Observed>, Observes<Observed> {
  readonly for: ResourceType<T>;
}

/**
 * A resource outside of the cluster: how it is observed, created, updated and deleted for objects of a kind. That an
 * object has it made is noted in an annotation of the object before it is created; what was there before is neither
 * changed nor deleted.
 *
 * @throws TypeError where nothing tells what was made for an object from what was there before
 * @example
 * const zone = defineExternal(Site, {
 *   observe: ({ spec }) => dns.find(spec.domain),
 *   create: ({ spec }, { id }) => dns.create(spec.domain, { comment: id }),
 *   delete: (found) => dns.remove(found.domain),
 *   isOurs: (found, { id }) => found.comment === id,
 * });
 */
export function defineExternal<T extends KubernetesObject, Observed>(
  type: ResourceType<T>,
  spec: ExternalSpec<T, Observed>,
): External<T, Observed> {
  if (!spec.isOurs && !spec.idOf) {
    throw new TypeError(`an external resource of ${type.kind} has neither isOurs nor idOf: whose it is cannot be told`);
  }
  return { ...spec, for: type };
}

/** What an operator lends to a dependent. */
export interface Hands<T extends KubernetesObject> {
  readonly object: T;
  readonly context: OperatorContext<T>;
  apply<C extends KubernetesObject>(type: ResourceType<C>, child: ChildObject<C>): Promise<C>;
}

export interface ExternalHands<T extends KubernetesObject> extends Hands<T> {
  readonly id: string;
  readonly noted: ExternalNote | undefined;
  /** Resolves when the object says so. */
  note(note: ExternalNote): Promise<void>;
  /** What is there now. */
  observed<Observed>(external: Observes<Observed>, state: Observed | undefined): void;
}

/** What came of bringing it to what is wanted. */
export interface Brought {
  /** Children that are wanted; `undefined`: there is to be none. */
  readonly children?: readonly KubernetesObject[];
  /** Why it is not ready; `undefined`: it is. */
  readonly unready: string | undefined;
}

export interface ChildDependent<T extends KubernetesObject, Name extends string = string>
  extends DependentOrder<T, Name> {
  readonly type: ResourceType;
  bring(hands: Hands<T>): Promise<Brought>;
}

export interface ExternalDependent<T extends KubernetesObject, Name extends string = string>
  extends DependentOrder<T, Name> {
  readonly external: object;
  readonly everyMs: number;
  readonly pollMs: number;
  bring(hands: ExternalHands<T>): Promise<Brought>;
  /** Whether it is gone. */
  remove(hands: ExternalHands<T>): Promise<boolean>;
}

/** One of an operator's dependents, as a `DependentMaker` makes it. */
export type Dependent<T extends KubernetesObject, Name extends string = string> =
  | ChildDependent<T, Name>
  | ExternalDependent<T, Name>;

/** Makes an operator's dependents; the types of their functions follow from the arguments. */
export interface DependentMaker<T extends KubernetesObject> {
  child<C extends KubernetesObject, const Name extends string = never>(
    type: ResourceType<C>,
    spec: ChildSpec<T, C, Name>,
  ): ChildDependent<T, Name>;
  external<Observed, const Name extends string = never>(
    external: External<T, Observed>,
    order?: DependentOrder<T, Name>,
  ): ExternalDependent<T, Name>;
}

export function dependentMaker<T extends KubernetesObject>(): DependentMaker<T> {
  return {
    child: (type, { make, ready, after, when }) => ({
      type,
      ...(after && { after }),
      ...(when && { when }),
      async bring({ object, context, apply }) {
        const made = await make(object, context);
        if (made === undefined) return { unready: undefined };
        const wanted = isList(made) ? made : [made];
        const applies = wanted.map((each) => () => apply(type, each));
        const children = await eachInTurn(context.signal, applies);
        const isGoing = (child: KubernetesObject) => child.metadata.deletionTimestamp !== undefined;
        const waiting = children.find((each) => isGoing(each) || !(ready ? ready(each) : isReady(type, each)));
        if (!waiting) return { children, unready: undefined };
        const { name } = waiting.metadata;
        return { children, unready: `${type.kind} ${name} is ${isGoing(waiting) ? 'being deleted' : 'not ready'}` };
      },
    }),
    external: (external, { after, when } = {}) => ({
      external,
      everyMs: external.everyMs ?? 600_000,
      pollMs: external.pollMs ?? 5_000,
      ...(after && { after }),
      ...(when && { when }),
      bring: (hands) => bringExternal(external, hands),
      remove: (hands) => removeExternal(external, hands),
    }),
  };
}

async function bringExternal<T extends KubernetesObject, Observed>(
  external: External<T, Observed>,
  hands: ExternalHands<T>,
): Promise<Brought> {
  const { object, noted } = hands;
  const context = contextOf(hands);
  let observed = await external.observe(object, context);
  if (observed === undefined) {
    // Before it is made: who dies in between finds it by this, and by the id.
    if (noted?.state !== 'made' || noted.remoteId !== undefined) await hands.note({ state: 'made' });
    const created = await external.create(object, contextOf(hands));
    observed = created ?? (await external.observe(object, contextOf(hands)));
  } else {
    if (!isMine(external, observed, hands)) {
      if (!external.adopt) return { unready: 'it exists, and was not made for this object' };
      if (noted?.state !== 'adopted') await hands.note({ state: 'adopted' });
    } else if (!noted) await hands.note({ state: 'made' });
    if (external.update && external.differs?.(object, observed)) {
      observed = (await external.update(object, observed, context)) ?? (await external.observe(object, context));
    }
  }
  hands.observed(external, observed);
  if (observed === undefined) return { unready: 'it is not there yet' };
  await noteRemoteId(external, observed, hands);
  return { unready: (external.ready?.(observed) ?? true) ? undefined : 'it is not ready' };
}

async function noteRemoteId<T extends KubernetesObject, Observed>(
  external: External<T, Observed>,
  observed: Observed,
  hands: ExternalHands<T>,
): Promise<void> {
  const remoteId = external.idOf?.(observed);
  const { noted } = hands;
  if (remoteId !== undefined && noted && noted.remoteId !== remoteId) await hands.note({ ...noted, remoteId });
}

/** Only what was noted as made by this object, before it was made. */
async function removeExternal<T extends KubernetesObject, Observed>(
  external: External<T, Observed>,
  hands: ExternalHands<T>,
): Promise<boolean> {
  const { object, noted } = hands;
  if (noted?.state !== 'made') return true;
  const context = contextOf(hands);
  const observed = await external.observe(object, context);
  hands.observed(external, observed);
  if (observed === undefined || !isMine(external, observed, hands)) return true;
  await external.delete(observed, object, context);
  const left = await external.observe(object, context);
  hands.observed(external, left);
  return left === undefined;
}

function isMine<T extends KubernetesObject, Observed>(
  external: External<T, Observed>,
  observed: Observed,
  hands: ExternalHands<T>,
): boolean {
  if (external.isOurs) return external.isOurs(observed, contextOf(hands));
  const { noted } = hands;
  if (noted?.state !== 'made') return false;
  // Without a name it was not seen since it was made.
  return noted.remoteId === undefined || noted.remoteId === external.idOf?.(observed);
}

function contextOf<T extends KubernetesObject>({ context, id, noted }: ExternalHands<T>): ExternalContext<T> {
  return { ...context, id, remoteId: noted?.remoteId };
}

function isList<C>(made: C | readonly C[]): made is readonly C[] {
  return Array.isArray(made);
}

/** What went wrong with a dependent, said in a line. */
export function reasonOf(error: unknown): string {
  if (isStatusError(error)) return error.message;
  return messageOf(error);
}
