import { setMaxListeners } from 'node:events';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Informer, InformerOptions, Informers } from './contract.ts';
import type { ReflectorEnvironment } from './reflector.ts';
import { SharedInformer } from './shared-informer.ts';

export interface InformerFactoryOptions extends ReflectorEnvironment {
  /** `true` (the default): an informer runs as soon as it is asked for. `false`: all wait for `start()`. */
  readonly started?: boolean;
}

/**
 * Shared informers, one for each kind and scope.
 *
 * @example
 * const informers = new InformerFactory({ client, clock: systemClock, random: systemRandom, logger });
 * const pods = informers.for(Pod, { namespace: 'default' });
 * await pods.waitForSync();
 * pods.lister.list();
 */
export class InformerFactory implements Informers {
  readonly #environment: ReflectorEnvironment;
  readonly #informers = new Map<string, SharedInformer<KubernetesObject>>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  #started: boolean;

  constructor({ started = true, ...environment }: InformerFactoryOptions) {
    this.#environment = environment;
    // Every watch of the process listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.#started = started;
  }

  for<T extends KubernetesObject>(type: ResourceType<T>, options: InformerOptions = {}): Informer<T> {
    const { namespace = '', labelSelector = '', fieldSelector = '' } = options;
    const id = [type.group, type.version, type.plural, namespace, labelSelector, fieldSelector].join('\n');
    let informer = this.#informers.get(id);
    if (!informer) {
      const scope = {
        ...(namespace && { namespace }),
        ...(labelSelector && { labelSelector }),
        ...(fieldSelector && { fieldSelector }),
      };
      informer = new SharedInformer<KubernetesObject>(type, scope, this.#environment);
      this.#informers.set(id, informer);
      if (this.#started) this.#run(informer);
    }
    // Filed under the resource type's own names, so what is found there holds objects of that type.
    return informer as Informer<KubernetesObject> as Informer<T>;
  }

  /** Starts what was asked for, and from now on whatever is asked for. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const informer of this.#informers.values()) this.#run(informer);
  }

  /** Ends every watch and completes every `events$`. The factory cannot be started again. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#stop.abort(new Error('the informers are stopped'));
    await Promise.all(this.#running);
  }

  /** Everything that runs, for readiness checks and metrics. */
  list(): readonly Informer[] {
    return [...this.#informers.values()];
  }

  #run(informer: SharedInformer<KubernetesObject>): void {
    this.#running.push(informer.run(this.#stop.signal));
  }
}
