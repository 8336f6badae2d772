import { setMaxListeners } from 'node:events';
import type { Observable } from 'rxjs';
// The package's index loads two hundred modules, which would be most of the time it takes to import the SDK.
import { Observable as ObservableClass } from 'rxjs/internal/Observable';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { keyOf, systemClock, systemRandom } from '../machinery/index.ts';
import type {
  CacheReads,
  Informer,
  InformerEvent,
  InformerLease,
  InformerOptions,
  InformerStatus,
  Informers,
} from './contract.ts';
import type { ReflectorEnvironment } from './reflector.ts';
import { SharedInformer } from './shared-informer.ts';

/** What informers are made with. */
export interface InformerFactoryOptions
  extends Omit<ReflectorEnvironment, 'clock' | 'random'>,
    Partial<Pick<ReflectorEnvironment, 'clock' | 'random'>> {
  /** `true` (the default): an informer runs as soon as it is asked for. `false`: all wait for `start()`. */
  readonly started?: boolean;
  /**
   * Whether `metadata.managedFields` are kept where an informer's options do not say. Default: only where the transport
   * shares the server's own objects, which have them anyway.
   */
  readonly keepManagedFields?: boolean;
  /** In development: told what is read from the caches. */
  readonly reads?: CacheReads | undefined;
}

interface Entry {
  readonly informer: SharedInformer<KubernetesObject>;
  readonly stop: AbortController;
  holders: number;
  running: Promise<void> | undefined;
}

/**
 * Shared informers, one for each kind and scope.
 *
 * @example
 * const informers = new InformerFactory({ client, logger: createLogger() });
 * const pods = informers.for(Pod, { namespace: 'default' });
 * await pods.waitForSync();
 * pods.lister.list();
 */
export class InformerFactory implements Informers {
  readonly #environment: ReflectorEnvironment;
  readonly #keepManagedFields: boolean;
  readonly #reads: CacheReads | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #transforms = new WeakMap<object, number>();
  #transformCount = 0;
  /** Informers that were let go and have not ended yet. */
  readonly #ending = new Set<Promise<void>>();
  #started: boolean;
  #stopped = false;

  constructor({ started = true, keepManagedFields, reads, ...environment }: InformerFactoryOptions) {
    this.#environment = { clock: systemClock, random: systemRandom, ...environment };
    this.#reads = reads;
    this.#keepManagedFields = keepManagedFields ?? environment.client.transport.sharesObjects === true;
    this.#started = started;
  }

  for<T extends KubernetesObject>(type: ResourceType<T>, options: InformerOptions<T> = {}): Informer<T> {
    return this.#hold(type, options, false).informer;
  }

  metadata(type: ResourceType, options: InformerOptions = {}): Informer {
    return this.#hold(type, options, true).informer;
  }

  lease<T extends KubernetesObject>(type: ResourceType<T>, options: InformerOptions<T> = {}): InformerLease<T> {
    const { informer, release } = this.#hold(type, options, false);
    return { informer, release, [Symbol.dispose]: release };
  }

  observe<T extends KubernetesObject>(
    type: ResourceType<T>,
    options: InformerOptions<T> = {},
  ): Observable<InformerEvent<T>> {
    return new ObservableClass((subscriber) => {
      const { informer, release } = this.lease(type, options);
      for (const object of informer.lister.list()) {
        if (subscriber.closed) break;
        subscriber.next({ type: 'added', key: keyOf(object), object });
      }
      const inner = informer.events$.subscribe(subscriber);
      return () => {
        inner.unsubscribe();
        release();
      };
    });
  }

  /** Starts what was asked for, and from now on whatever is asked for. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const each of this.#entries.values()) run(each);
  }

  /** Ends every watch and completes every `events$`. The factory cannot be started again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { stop } of this.#entries.values()) stop.abort(new Error('the informers are stopped'));
    await Promise.all([...[...this.#entries.values()].map((each) => each.running), ...this.#ending]);
  }

  /** Everything that runs, for readiness checks and metrics. */
  list(): readonly Informer[] {
    return [...this.#entries.values()].map((each) => each.informer);
  }

  /** How everything that runs fares. */
  statuses(): readonly InformerStatus[] {
    return [...this.#entries.values()].map((each) => each.informer.status);
  }

  #hold<T extends KubernetesObject>(
    type: ResourceType<T>,
    options: InformerOptions<T>,
    metadataOnly: boolean,
  ): { readonly informer: Informer<T>; readonly release: () => void } {
    const { keepManagedFields = this.#keepManagedFields, transform, optional = false } = options;
    const { namespace = '', labelSelector = '', fieldSelector = '' } = options;
    const id = [
      type.group,
      type.version,
      type.plural,
      namespace,
      labelSelector,
      fieldSelector,
      metadataOnly,
      keepManagedFields,
      optional,
      this.#numberOf(transform),
    ].join('\n');
    let entry = this.#entries.get(id);
    if (!entry) {
      const informer = new SharedInformer<KubernetesObject>(type, {
        ...this.#environment,
        reads: this.#reads,
        optional,
        scope: {
          ...(namespace && { namespace }),
          ...(labelSelector && { labelSelector }),
          ...(fieldSelector && { fieldSelector }),
        },
        kept: { metadataOnly, managedFields: keepManagedFields, ...(transform && { transform }) },
      });
      entry = {
        informer,
        stop: new AbortController(),
        holders: 0,
        running: undefined,
      };
      // Every request of an informer listens to it.
      setMaxListeners(0, entry.stop.signal);
      if (this.#stopped) entry.stop.abort(new Error('the informers are stopped'));
      this.#entries.set(id, entry);
      if (this.#started) run(entry);
    }
    const held = entry;
    held.holders += 1;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      held.holders -= 1;
      if (held.holders === 0) this.#drop(id, held);
    };
    // Filed under the resource type's own names, so what is found there holds objects of that type.
    return { informer: held.informer as Informer<KubernetesObject> as Informer<T>, release };
  }

  #drop(id: string, { stop, running }: Entry): void {
    this.#entries.delete(id);
    stop.abort(new Error('nobody needs this informer any more'));
    if (!running) return;
    this.#ending.add(running);
    void running.finally(() => this.#ending.delete(running));
  }

  /** Functions are told apart by their identity. */
  #numberOf(transform: object | undefined): number {
    if (transform === undefined) return 0;
    let number = this.#transforms.get(transform);
    if (number === undefined) {
      this.#transformCount += 1;
      number = this.#transformCount;
      this.#transforms.set(transform, number);
    }
    return number;
  }
}

function run(entry: Entry): void {
  entry.running ??= entry.informer.run(entry.stop.signal);
}
