import type { Observable } from 'rxjs';
// The package's index loads two hundred modules, which would be most of the time it takes to import the SDK.
import { Subject } from 'rxjs/internal/Subject';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Informer, InformerEvent, InformerOptions, Lister } from './contract.ts';
import { type ReflectorEnvironment, reflect } from './reflector.ts';
import { Store } from './store.ts';

/** One store, kept by one reflector, for everybody in the process who asks for this kind and scope. */
export class SharedInformer<T extends KubernetesObject> implements Informer<T> {
  readonly type: ResourceType<T>;
  readonly #scope: InformerOptions;
  readonly #environment: ReflectorEnvironment;
  readonly #store = new Store<T>();
  readonly #events = new Subject<InformerEvent<T>>();
  readonly #waiting = new Set<() => void>();
  #synced = false;
  #running: Promise<void> | undefined;

  constructor(type: ResourceType<T>, scope: InformerOptions, environment: ReflectorEnvironment) {
    this.type = type;
    this.#scope = scope;
    this.#environment = environment;
  }

  get lister(): Lister<T> {
    return this.#store;
  }

  get events$(): Observable<InformerEvent<T>> {
    return this.#events;
  }

  get synced(): boolean {
    return this.#synced;
  }

  waitForSync(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#synced) return resolve();
      if (signal?.aborted) return reject(signal.reason);
      const done = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = () => {
        this.#waiting.delete(done);
        reject(signal?.reason);
      };
      this.#waiting.add(done);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    this.#store.addIndex(name, values);
  }

  /** Runs until the signal is aborted; then `events$` completes. A second call joins the first. */
  run(signal: AbortSignal): Promise<void> {
    this.#running ??= reflect(
      {
        ...this.#environment,
        type: this.type,
        scope: this.#scope,
        store: this.#store,
        emit: (event) => this.#events.next(event),
        listed: () => this.#listed(),
      },
      signal,
    ).finally(() => this.#events.complete());
    return this.#running;
  }

  #listed(): void {
    this.#synced = true;
    for (const done of this.#waiting) done();
    this.#waiting.clear();
  }
}
