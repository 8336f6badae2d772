import type { KubernetesObject, RequestOptions } from '@keelson/core';
import type { Draft, ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';

/**
 * What a DELETE does to an object: `pending`, it waits for its end already and goes on doing so; `marked`, it is written
 * as `object` and stays; `removed`, it goes, after it was written as `marked` where that is given. `shown`: what who only
 * tries is shown in the place of an answer, where the finalizers went before the object.
 */
export type Deletion =
  | { readonly type: 'pending' }
  | { readonly type: 'marked'; readonly object: ObjectDraft }
  | { readonly type: 'removed'; readonly marked: ObjectDraft | undefined; readonly shown?: ObjectDraft };

const orphan = 'orphan';
const foreground = 'foregroundDeletion';

/**
 * Decides what a DELETE with these options does, as Kubernetes' generic registry does. `now` in ms. Of many at once
 * (`collective`) a kind's own way of beginning is not asked.
 */
export function decideDeletion(
  kind: Kind,
  object: KubernetesObject,
  options: RequestOptions,
  now: number,
  collective = false,
): Deletion {
  const { strategy } = kind;
  const { metadata } = object;
  if (strategy.beginDeletion && !collective) {
    if (metadata.deletionTimestamp === undefined) {
      const draft = draftOf(object);
      strategy.beginDeletion(draft, options, inSeconds(now));
      return { type: 'marked', object: draft };
    }
    if (isHeldBySpec(object)) return { type: 'pending' };
  }
  const graceful = decideGrace(kind, object, options, now);
  if (graceful === 'pending') return { type: 'pending' };
  const finalizers = finalizersAfter(kind, object, options);
  const held = (finalizers ?? metadata.finalizers ?? []).length > 0;
  if (!graceful && !held) {
    if (!finalizers) return { type: 'removed', marked: undefined };
    const shown = draftOf(object);
    setFinalizers(shown, finalizers);
    return { type: 'removed', marked: undefined, shown };
  }
  const draft = graceful ?? draftOf(object);
  if (finalizers) setFinalizers(draft, finalizers);
  if (!graceful) markNow(draft, now);
  const waits = held || (graceful?.metadata.deletionGracePeriodSeconds ?? 0) > 0;
  return waits ? { type: 'marked', object: draft } : { type: 'removed', marked: draft };
}

const inSeconds = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const draftOf = (object: KubernetesObject): ObjectDraft => ({
  ...(object as Draft<KubernetesObject>),
  metadata: { ...(object.metadata as ObjectDraft['metadata']) },
});

/** The object with the end of its grace period; undefined for kinds that have none, or where it is over. */
function decideGrace(
  { strategy }: Kind,
  object: KubernetesObject,
  { gracePeriodSeconds: asked }: RequestOptions,
  now: number,
): ObjectDraft | 'pending' | undefined {
  if (!strategy.gracePeriod) return undefined;
  const { deletionTimestamp, deletionGracePeriodSeconds: before = 0 } = object.metadata;
  const draft = draftOf(object);
  const { metadata } = draft;
  if (deletionTimestamp !== undefined) {
    if (before === 0) return undefined;
    // It may only become shorter.
    if (asked === undefined || asked >= before) return 'pending';
    const seconds = asked < 0 ? 1 : asked;
    metadata.deletionTimestamp = inSeconds(Date.parse(deletionTimestamp) + (seconds - before) * 1000);
    metadata.deletionGracePeriodSeconds = seconds;
    return draft;
  }
  const seconds = strategy.gracePeriod(object, asked);
  if (seconds === undefined) return undefined;
  metadata.deletionTimestamp = inSeconds(now + seconds * 1000);
  metadata.deletionGracePeriodSeconds = seconds;
  if (metadata.generation) metadata.generation += 1;
  return draft;
}

/** What has no grace period, or none left, and is held by finalizers. */
function markNow({ metadata }: ObjectDraft, now: number): void {
  const { deletionTimestamp } = metadata;
  if (deletionTimestamp === undefined && metadata.generation) metadata.generation += 1;
  if (deletionTimestamp === undefined || Date.parse(deletionTimestamp) > now) {
    metadata.deletionTimestamp = inSeconds(now);
  }
  metadata.deletionGracePeriodSeconds = 0;
}

/** A Namespace stays until its own finalizers, in its spec, are gone. */
function isHeldBySpec(object: KubernetesObject): boolean {
  const { spec } = object as { readonly spec?: { readonly finalizers?: readonly unknown[] } };
  return object.kind === 'Namespace' && (spec?.finalizers?.length ?? 0) > 0;
}

/** Whether dependents are let be, or dealt with before the object goes. What the request says goes before all else. */
export function propagationOf(
  finalizers: readonly string[],
  { orphanDependents, propagationPolicy }: RequestOptions,
): 'Orphan' | 'Foreground' | 'Background' | undefined {
  if (orphanDependents !== undefined) return orphanDependents ? 'Orphan' : 'Background';
  if (propagationPolicy !== undefined) return propagationPolicy;
  const said = finalizers.find((each) => each === orphan || each === foreground);
  return said === undefined ? undefined : said === orphan ? 'Orphan' : 'Foreground';
}

/**
 * Propagation is a finalizer: the garbage collector takes it away when the dependents are dealt with. Undefined where
 * the finalizers stay as they are.
 */
function finalizersAfter({ strategy }: Kind, { metadata }: KubernetesObject, options: RequestOptions) {
  const before = metadata.finalizers ?? [];
  const policy = strategy.withoutDependents
    ? 'Background'
    : (propagationOf(before, options) ?? (strategy.orphansByDefault ? 'Orphan' : 'Background'));
  const wanted = policy === 'Orphan' ? orphan : policy === 'Foreground' ? foreground : undefined;
  const after = before.filter((each) => each !== orphan && each !== foreground);
  if (wanted !== undefined) after.push(wanted);
  const same = after.every((each) => before.includes(each)) && before.every((each) => after.includes(each));
  return same ? undefined : after;
}

export function setFinalizers({ metadata }: ObjectDraft, finalizers: readonly string[]): void {
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = [...finalizers];
}
