import type { Clock, InformerEvent, KubernetesObject } from '@keelson/core';
import type { Observable } from 'rxjs';

/** After this, an event that never came is taken as lost (the watch was interrupted between creation and deletion). */
const timeoutMs = 5 * 60_000;
/** So many owners may wait before those that have waited in vain are looked for. */
const sweepFrom = 1_024;

interface Pending {
  /** uid → when to stop waiting. */
  readonly creations: Map<string, number>;
  readonly deletions: Map<string, number>;
  /** uids whose event arrived while a write was still under way, and so before it could be expected. */
  readonly early: Set<string>;
  writes: number;
}

/**
 * What an owner has created or deleted that its informer has not shown yet. Until it has, the cache undercounts, and to
 * act on it would create or delete twice.
 *
 * By uid rather than by count: a late, doubled or foreign event cannot settle the wrong expectation.
 */
export class Expectations {
  readonly #owners = new Map<string, Pending>();
  readonly #ownerOf = new Map<string, string>();
  readonly #clock: Clock;
  #sweepAt = sweepFrom;

  /** @param events$ of the informer that the owners read their objects from */
  constructor(clock: Clock, events$: Observable<InformerEvent<KubernetesObject>>) {
    this.#clock = clock;
    events$.subscribe((event) => this.#observe(event));
  }

  /** Runs a create for `owner` and expects the object that it resolves to. */
  async creation<T extends KubernetesObject>(owner: string, create: () => Promise<T>): Promise<T> {
    const pending = this.#open(owner);
    try {
      const object = await create();
      const uid = object.metadata.uid;
      if (uid !== undefined && !pending.early.has(uid)) this.#expect(pending.creations, owner, uid);
      return object;
    } finally {
      this.#close(owner, pending);
    }
  }

  /** Runs a delete for `owner` and expects the object's deletion (or its deletion timestamp). */
  async deletion(owner: string, uid: string, remove: () => Promise<unknown>): Promise<void> {
    const pending = this.#open(owner);
    this.#expect(pending.deletions, owner, uid);
    try {
      await remove();
    } catch (error) {
      pending.deletions.delete(uid);
      this.#ownerOf.delete(uid);
      throw error;
    } finally {
      this.#close(owner, pending);
    }
  }

  /** Whether the cache shows everything that `owner` has written. */
  satisfied(owner: string): boolean {
    return this.remaining(owner) === undefined;
  }

  /** Milliseconds until the last missing event is given up; undefined when none is missing. */
  remaining(owner: string): number | undefined {
    const pending = this.#owners.get(owner);
    if (pending === undefined) return undefined;
    const now = this.#clock.now();
    let latest: number | undefined;
    for (const expected of [pending.creations, pending.deletions]) {
      for (const [uid, until] of expected) {
        if (until <= now) {
          expected.delete(uid);
          this.#ownerOf.delete(uid);
        } else latest = Math.max(latest ?? 0, until - now);
      }
    }
    this.#dropIfSettled(owner, pending);
    return latest;
  }

  /** Forgets an owner that is gone. */
  forget(owner: string): void {
    const pending = this.#owners.get(owner);
    if (pending === undefined) return;
    for (const uid of [...pending.creations.keys(), ...pending.deletions.keys()]) this.#ownerOf.delete(uid);
    this.#owners.delete(owner);
  }

  #observe(event: InformerEvent<KubernetesObject>): void {
    const uid = event.object.metadata.uid;
    if (uid === undefined) return;
    const owner = this.#ownerOf.get(uid);
    if (owner === undefined) {
      const controller = event.object.metadata.ownerReferences?.find((reference) => reference.controller === true);
      const pending = controller === undefined ? undefined : this.#owners.get(controller.uid);
      if (pending !== undefined && pending.writes > 0) pending.early.add(uid);
      return;
    }
    const pending = this.#owners.get(owner);
    if (pending === undefined) return;
    pending.creations.delete(uid);
    if (event.type === 'deleted' || event.object.metadata.deletionTimestamp !== undefined)
      pending.deletions.delete(uid);
    if (!pending.deletions.has(uid)) this.#ownerOf.delete(uid);
    this.#dropIfSettled(owner, pending);
  }

  #expect(expected: Map<string, number>, owner: string, uid: string): void {
    expected.set(uid, this.#clock.now() + timeoutMs);
    this.#ownerOf.set(uid, owner);
  }

  #open(owner: string): Pending {
    let pending = this.#owners.get(owner);
    if (pending === undefined) {
      pending = { creations: new Map(), deletions: new Map(), early: new Set(), writes: 0 };
      this.#owners.set(owner, pending);
      this.#sweep();
    }
    pending.writes += 1;
    return pending;
  }

  /** Owners that went away before their events came are never asked for again. */
  #sweep(): void {
    if (this.#owners.size < this.#sweepAt) return;
    for (const owner of [...this.#owners.keys()]) this.remaining(owner);
    this.#sweepAt = Math.max(sweepFrom, 2 * this.#owners.size);
  }

  #close(owner: string, pending: Pending): void {
    pending.writes -= 1;
    if (pending.writes === 0) pending.early.clear();
    this.#dropIfSettled(owner, pending);
  }

  #dropIfSettled(owner: string, pending: Pending): void {
    if (pending.writes > 0 || pending.creations.size > 0 || pending.deletions.size > 0) return;
    if (this.#owners.get(owner) === pending) this.#owners.delete(owner);
  }
}
