import { setMaxListeners } from 'node:events';
import type { Client } from '../client/index.ts';
import { type Controller, type ControllerManager, Controllers } from '../controller/index.ts';
import type { ClusterPeer, ClusterPeers } from '../crd/index.ts';
import { Informers } from '../informer/index.ts';
import type { Clock, Random } from '../machinery/index.ts';
import { NumberSeries } from '../metrics/index.ts';
import { all, type Lifecycle, type Logger } from '../plugin/index.ts';
import type { ClusteredController } from './clustered-controller.ts';
import type { Host } from './create-host.ts';
import { informerSeries } from './informer-series.ts';
import { SharedInformers } from './informers-plugin.ts';

/** How a cluster is reached: by a kubeconfig, as in `RunOperatorOptions`, or by a client that is there already. */
export type ClusterConnection =
  | { readonly kubeconfig?: string; readonly context?: string }
  | { readonly client: Client };

/** The clusters by name; or, one after the other, what they are from then on. */
export type ClusterSource =
  | Readonly<Record<string, ClusterConnection>>
  | AsyncIterable<Readonly<Record<string, ClusterConnection>>>;

/** A cluster that can be spoken to. */
export interface OpenCluster {
  readonly client: Client;
  close(): void;
}

export interface ClusterSetOptions {
  readonly source: ClusterSource;
  readonly controllers: readonly ClusteredController[];
  readonly manager: ControllerManager;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  open(connection: ClusterConnection): Promise<OpenCluster>;
  /** A host with what runs in each cluster, its controllers apart, which are run together. */
  host(cluster: string, client: Client, peers: ClusterPeers): Host;
}

interface Member {
  readonly connection: ClusterConnection;
  readonly leave: AbortController;
  ended: Promise<void>;
}

const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
const goodName = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;

/** Keeps the controllers on the clusters that there are. One that is away is tried again, and concerns no other. */
export class ClusterSet implements Lifecycle {
  readonly name = 'clusters';
  // Before the controllers begin, and until they have ended.
  readonly phase = 'informers';
  readonly #options: ClusterSetOptions;
  readonly #members = new Map<string, Member>();
  readonly #live = new Map<string, ClusterPeer>();
  readonly #hosts = new Map<string, Host>();
  readonly #stopping = new AbortController();
  #following: Promise<void> = Promise.resolve();

  constructor(options: ClusterSetOptions) {
    this.#options = options;
  }

  /** Those whose objects are reconciled now. */
  get live(): readonly string[] {
    return [...this.#live.keys()];
  }

  /** For metrics, in Prometheus' text format: which clusters are worked on, and how their informers fare. */
  metrics(): string {
    const live = new NumberSeries({
      type: 'gauge',
      name: 'keelson_cluster_live',
      help: 'Whether the objects of a cluster are reconciled (1), or it is away (0).',
      labels: ['cluster'],
    });
    for (const name of this.#members.keys()) live.set([name], this.#live.has(name) ? 1 : 0);
    const statuses = [...this.#hosts].flatMap(([cluster, host]) =>
      host
        .get(SharedInformers)
        .statuses()
        .map((each) => ({ ...each, cluster })),
    );
    return `${live.text()}${informerSeries(statuses, this.#options.clock.now())}`;
  }

  /** @throws TypeError when a cluster's name cannot be part of a key */
  async start(): Promise<void> {
    const { source } = this.#options;
    if (isStream(source)) this.#following = this.#follow(source);
    else this.set(source);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the clusters are stopped'));
    const ended = [...this.#members.values()].map((each) => {
      each.leave.abort(this.#stopping.signal.reason);
      return each.ended;
    });
    await Promise.all([...ended, this.#following]);
  }

  /**
   * From now on it is these: others are left, those whose connection is another one are left and joined anew.
   * @throws TypeError when a cluster's name cannot be part of a key; nothing is changed then
   */
  set(clusters: Readonly<Record<string, ClusterConnection>>): void {
    for (const name of Object.keys(clusters)) {
      if (!goodName.test(name)) {
        throw new TypeError(`the cluster "${name}": a name has up to 63 lower case letters, digits, "-" and "."`);
      }
    }
    if (this.#stopping.signal.aborted) return;
    const left = new Map<string, Promise<void>>();
    for (const [name, member] of this.#members) {
      const wanted = clusters[name];
      if (wanted && isSame(wanted, member.connection)) continue;
      this.#members.delete(name);
      member.leave.abort(new Error(`the cluster ${name} is left`));
      left.set(name, member.ended);
    }
    for (const [name, connection] of Object.entries(clusters)) {
      if (this.#members.has(name)) continue;
      const leave = new AbortController();
      // Every request of its informers listens to it.
      setMaxListeners(0, leave.signal);
      const member: Member = { connection, leave, ended: Promise.resolve() };
      this.#members.set(name, member);
      member.ended = this.#keep(name, connection, leave.signal, left.get(name));
    }
  }

  async #follow(source: AsyncIterable<Readonly<Record<string, ClusterConnection>>>): Promise<void> {
    const iterator = source[Symbol.asyncIterator]();
    const { signal } = this.#stopping;
    const stopped = new Promise<undefined>((resolve) =>
      signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    try {
      for (;;) {
        const next = await Promise.race([iterator.next(), stopped]);
        if (next === undefined || next.done) break;
        this.set(next.value);
      }
    } catch (error) {
      this.#options.logger.error('which clusters there are is no longer told; they stay as they are', { error });
    }
    // What it waits for is its own affair.
    if (signal.aborted) void iterator.return?.()?.catch(() => undefined);
  }

  async #keep(
    name: string,
    connection: ClusterConnection,
    signal: AbortSignal,
    before: Promise<void> | undefined,
  ): Promise<void> {
    const { clock, random, logger } = this.#options;
    await before;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#serve(name, connection, signal);
      } catch (error) {
        if (signal.aborted) return;
        const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures) * (0.5 + 0.5 * random());
        logger.warn('a cluster is away and is tried again', { cluster: name, waitMs, error });
        await clock.sleep(waitMs, signal).catch((reason: unknown) => {
          if (!signal.aborted) throw reason;
        });
      }
    }
  }

  /** Until the cluster is left. */
  async #serve(name: string, connection: ClusterConnection, signal: AbortSignal): Promise<void> {
    const { open, host: hostFor, logger } = this.#options;
    const { client, close } = await open(connection);
    const host = hostFor(name, client, { get: (other) => this.#live.get(other) });
    const leave: (() => void)[] = [];
    this.#hosts.set(name, host);
    try {
      await host.start(signal);
      const controllers = host.get(all(Controllers));
      const watches = controllers.flatMap((each) => each.watches);
      await Promise.all(watches.map(({ informer }) => informer.waitForSync(signal)));
      this.#live.set(name, { client, informers: host.get(Informers) });
      leave.push(...this.#join(name, controllers));
      logger.info('works on a cluster', { cluster: name });
      await aborted(signal);
    } finally {
      this.#live.delete(name);
      this.#hosts.delete(name);
      for (const each of leave) each();
      await host
        .stop()
        .catch((error: unknown) => logger.warn('a cluster was not left cleanly', { cluster: name, error }));
      close();
    }
  }

  #join(cluster: string, controllers: readonly Controller[]): readonly (() => void)[] {
    const { manager } = this.#options;
    return this.#options.controllers.flatMap((clustered) => {
      const member = controllers.find((each) => each.name === clustered.name);
      if (!member) return [];
      const watches = clustered.join(cluster, member).map((each) => manager.addWatch(clustered.name, each));
      return [() => clustered.leave(cluster), ...watches];
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function isStream(source: ClusterSource): source is AsyncIterable<Readonly<Record<string, ClusterConnection>>> {
  return Symbol.asyncIterator in source;
}

function isSame(one: ClusterConnection, other: ClusterConnection): boolean {
  if ('client' in one || 'client' in other) return 'client' in one && 'client' in other && one.client === other.client;
  return one.kubeconfig === other.kubeconfig && one.context === other.context;
}
