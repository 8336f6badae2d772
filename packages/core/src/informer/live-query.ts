// The package's index loads two hundred modules, which would be most of the time it takes to import the SDK.

import type { Subscription } from 'rxjs';
import { Observable } from 'rxjs/internal/Observable';
import { Subject } from 'rxjs/internal/Subject';
import type { KubernetesObject } from '../api/index.ts';
import { keyOf, type ObjectKey } from '../machinery/index.ts';
import type { InformerEvent, LiveQuery } from './contract.ts';
import type { PreparedQuery } from './query.ts';

/** A result that is kept up while somebody subscribes, and read from the store while nobody does. */
export class StoreQuery<T extends KubernetesObject> extends Observable<readonly T[]> implements LiveQuery<T> {
  readonly changes$: Observable<InformerEvent<T>>;
  readonly #query: PreparedQuery<T>;
  readonly #source: Observable<InformerEvent<T>>;
  readonly #results = new Subject<readonly T[]>();
  readonly #changes = new Subject<InformerEvent<T>>();
  #users = 0;
  #upstream: Subscription | undefined;
  #found: Map<ObjectKey, T> | undefined;
  #array: readonly T[] | undefined;
  #announced = false;

  /** @param source the changes of the store that the query reads, each told after the store has changed */
  constructor(query: PreparedQuery<T>, source: Observable<InformerEvent<T>>) {
    super((subscriber) => {
      const leave = this.#join();
      subscriber.next(this.value);
      const inner = this.#results.subscribe(subscriber);
      return () => {
        inner.unsubscribe();
        leave();
      };
    });
    this.#query = query;
    this.#source = source;
    this.changes$ = new Observable((subscriber) => {
      const leave = this.#join();
      const inner = this.#changes.subscribe(subscriber);
      return () => {
        inner.unsubscribe();
        leave();
      };
    });
  }

  get value(): readonly T[] {
    if (!this.#found) return this.#query.read();
    this.#array ??= [...this.#found.values()];
    return this.#array;
  }

  #join(): () => void {
    this.#users += 1;
    if (this.#users === 1) {
      this.#found = new Map(this.#query.read().map((each) => [keyOf(each), each]));
      this.#array = undefined;
      this.#upstream = this.#source.subscribe({
        next: (event) => this.#take(event),
        complete: () => {
          this.#results.complete();
          this.#changes.complete();
        },
      });
    }
    return () => {
      this.#users -= 1;
      if (this.#users > 0) return;
      this.#upstream?.unsubscribe();
      this.#upstream = undefined;
      this.#found = undefined;
      this.#array = undefined;
    };
  }

  #take(event: InformerEvent<T>): void {
    const found = this.#found;
    if (!found) return;
    const { key, object } = event;
    const previous = found.get(key);
    if (event.type !== 'deleted' && this.#query.matches(object)) {
      found.set(key, object);
      this.#tell(previous ? { type: 'updated', key, object, previous } : { type: 'added', key, object });
    } else if (previous) {
      found.delete(key);
      this.#tell(event.type === 'deleted' ? event : { type: 'deleted', key, object });
    }
  }

  #tell(change: InformerEvent<T>): void {
    this.#array = undefined;
    this.#changes.next(change);
    if (this.#announced || !this.#results.observed) return;
    this.#announced = true;
    // What arrived together is one change of the result.
    queueMicrotask(() => {
      this.#announced = false;
      if (this.#found) this.#results.next(this.value);
    });
  }
}
