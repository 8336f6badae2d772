import {
  type ApiRequest,
  type Client,
  Clients,
  type Clock,
  ConnectionError,
  createClient,
  definePlugin,
  type KubernetesObject,
  type Operator,
  type Plugin,
  type Random,
  type Status,
  StatusError,
  sleepOn,
  type TraceBuffer,
  type Transport,
  type WatchEvent,
} from '@keelson/core';
import { Webhooks } from '@keelson/core/crd';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  createHost,
  eventRecorderPlugin,
  type Host,
  informersPlugin,
  leaderElectionPlugin,
  Manager,
} from '@keelson/core/host';
import { silentLogger } from '@keelson/core/testing';
import type { Fault, FaultKind } from './plan.ts';
import { requestText } from './request-text.ts';
import type { SimulatedWebhooks } from './simulated-webhooks.ts';

/** An answer that is none of success. */
export interface Refusal {
  readonly kind: 'refused';
  readonly status: Partial<Status>;
}

/** Why a watch ends in order. */
export const endsInOrder = new Error('the watch has ended');

/** Decides what happens to what the operators do. */
export interface Fate {
  /** Of the next request, or the next delivery of a watch. */
  next(decision: 'read' | 'write' | 'watch', request: ApiRequest): Fault | Refusal | undefined;
  /** Waits until a request is to be sent, and says in which form. */
  prepare?(request: ApiRequest): Promise<ApiRequest>;
  /** Called when the answer to a request that was prepared is there, or none comes. */
  answered?(request: ApiRequest): void;
  /** Waits until events are to arrive. */
  deliver?(request: ApiRequest, events: readonly WatchEvent<KubernetesObject>[]): Promise<void>;
  /**
   * Waits until a watch is to begin. The signal is aborted when it is to end, with the error; with `endsInOrder` where
   * that is none.
   */
  watching?(request: ApiRequest): Promise<AbortSignal | undefined>;
  /** Called when a fault happens, and when a write has taken effect. */
  note(process: string, text: string): void;
  /** Called after each write that took effect. */
  written(request: ApiRequest, resourceVersion: string | undefined): Promise<void>;
}

export interface SimulatedProcessOptions {
  readonly name: string;
  readonly operators: () => readonly (Operator | Plugin<undefined>)[];
  /** A client of the server that nothing happens to. */
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly fate: Fate;
  readonly leaderElection: boolean;
  readonly webhooks: SimulatedWebhooks;
  /** Called at each start: the transport as it is to be used, and more that runs there. */
  extend?(transport: Transport): { readonly transport: Transport; readonly plugins: readonly AnyPlugin[] };
}

const restartMs = 1_000;

/** A process that runs operators: it can die at any moment, and then begins anew with nothing but what is stored. */
export class SimulatedProcess {
  readonly name: string;
  readonly #options: SimulatedProcessOptions;
  #life: Life | undefined;
  #stopped = false;

  constructor(options: SimulatedProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get traces(): TraceBuffer | undefined {
    return this.#life?.traces;
  }

  start(): void {
    if (this.#stopped) return;
    this.#life = new Life(this.#options, () => this.#crashed());
    this.#life.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#life?.stop();
  }

  /** It dies, and stays so until it is started. */
  kill(): void {
    const life = this.#life;
    this.#life = undefined;
    life?.die();
  }

  #crashed(): void {
    this.#life = undefined;
    this.#options.clock.after(restartMs, () => this.start());
  }
}

/** From a start of the process to its end. */
class Life {
  readonly #options: SimulatedProcessOptions;
  readonly #clock: MortalClock;
  readonly #onCrash: () => void;
  #host: Host | undefined;
  readonly #webhooks: ReturnType<SimulatedWebhooks['open']>;
  #dead = false;
  #cutOffUntil = 0;

  constructor(options: SimulatedProcessOptions, onCrash: () => void) {
    this.#options = options;
    this.#clock = new MortalClock(options.clock);
    this.#onCrash = onCrash;
    this.#webhooks = options.webhooks.open();
  }

  get traces(): TraceBuffer | undefined {
    return this.#host?.get(Manager).traces;
  }

  start(): void {
    const { operators, random, leaderElection, name, fate, extend } = this.#options;
    const own = this.#transport();
    const { transport, plugins } = extend?.(own) ?? { transport: own, plugins: [] };
    const client = createClient(transport);
    const connection = definePlugin({
      name: 'connection',
      register: ({ provide }) => provide.value(Clients, { as: () => client }),
    });
    const webhooks = definePlugin({
      name: 'webhooks',
      register: ({ provide }) => provide.value(Webhooks, this.#webhooks),
    });
    const run = operators();
    const election = leaderElection ? [leaderElectionPlugin as AnyPlugin] : [];
    const lease = { namespace: 'default', name: run[0]?.name ?? 'operator', identity: `${name}-${random()}` };
    this.#host = createHost({
      plugins: [
        connection as AnyPlugin,
        informersPlugin as AnyPlugin,
        eventRecorderPlugin as AnyPlugin,
        webhooks as AnyPlugin,
        ...election,
        controllerManagerPlugin as AnyPlugin,
        ...plugins,
        ...(run as readonly AnyPlugin[]),
      ],
      ...(leaderElection && { options: { 'leader-election': lease } }),
      clock: this.#clock,
      random,
      logger: silentLogger,
    });
    this.#host.start().catch((error: unknown) => {
      if (this.#dead) return;
      fate.note(name, `could not start: ${error instanceof Error ? error.message : String(error)}`);
      this.#crash();
    });
  }

  async stop(): Promise<void> {
    this.die();
  }

  die(): void {
    this.#dead = true;
    this.#clock.end();
    this.#webhooks.close();
  }

  #crash(): void {
    if (this.#dead) return;
    this.die();
    this.#onCrash();
  }

  #transport(): Transport {
    const { transport } = this.#options.client;
    return {
      request: (request) => this.#request(transport, request),
      watch: (request) => singles(this.#watch(transport, request)),
      watchBatches: (request) => this.#watch(transport, request),
      raw: (...args) => (this.#dead ? never() : transport.raw(...args)),
    };
  }

  async #request(transport: Transport, asked: ApiRequest): Promise<unknown> {
    if (this.#dead) return never();
    const { fate } = this.#options;
    const request = fate.prepare ? await fate.prepare(asked) : asked;
    if (this.#dead) return never();
    try {
      return await this.#perform(transport, request);
    } finally {
      fate.answered?.(request);
    }
  }

  async #perform(transport: Transport, request: ApiRequest): Promise<unknown> {
    const { fate, name, clock } = this.#options;
    const write = !['get', 'list'].includes(request.verb);
    const what = requestText(request);
    const fault = fate.next(write ? 'write' : 'read', request);
    if (fault?.kind === 'refused') {
      fate.note(name, `${what}: ${fault.status.message ?? fault.status.reason}`);
      throw new StatusError(fault.status);
    }
    if (fault) {
      fate.note(name, `${fault.kind}${hasLength.has(fault.kind) ? ` ${fault.ms} ms` : ''}: ${what}`);
      await this.#before(fault, request);
    }
    if (clock.now() < this.#cutOffUntil) throw new ConnectionError(`${what}: the network is cut off`);
    const answer = await this.#send(transport, request);
    if (write) {
      const { resourceVersion } = answer.metadata ?? {};
      fate.note(name, `${what}${resourceVersion === undefined ? '' : ` → ${resourceVersion}`}`);
      await fate.written(request, resourceVersion);
    }
    if (fault?.kind === 'lost-answer') throw new ConnectionError(fault.message ?? `${what}: the connection was reset`);
    if (fault?.kind === 'crash-after') {
      this.#crash();
      return never();
    }
    return this.#dead ? never() : answer;
  }

  async #send(
    transport: Transport,
    request: ApiRequest,
  ): Promise<{ readonly metadata?: { readonly resourceVersion?: string } }> {
    const answer: unknown = await transport.request(request);
    return typeof answer === 'object' && answer !== null ? answer : {};
  }

  async #before({ kind, ms, message }: Fault, request: ApiRequest): Promise<void> {
    const { clock } = this.#options;
    const { group, resource, name = '' } = request;
    switch (kind) {
      case 'lost-request':
        throw new ConnectionError(message ?? `${requestText(request)}: connection refused`);
      case 'conflict':
        if (request.verb === 'update' || request.verb === 'patch')
          throw StatusError.conflict({ group, resource }, name);
        return;
      case 'throttled':
        throw StatusError.of(429, 'TooManyRequests', 'too many requests', { retryAfterSeconds: 1 });
      case 'server-error':
        throw StatusError.internal('simulated');
      case 'slow':
        await clock.sleep(ms);
        if (this.#dead) await never();
        return;
      case 'crash-before':
        this.#crash();
        await never();
        return;
      case 'partition':
        this.#cutOffUntil = clock.now() + ms;
        return;
      case 'clock-jump':
        this.#clock.jump(ms % 2 === 0 ? ms * 10 : -ms * 10);
        return;
      default:
        return;
    }
  }

  async *#watch(transport: Transport, request: ApiRequest): AsyncGenerator<readonly WatchEvent<KubernetesObject>[]> {
    const { fate, name, clock } = this.#options;
    if (this.#dead) await never();
    if (clock.now() < this.#cutOffUntil) throw new ConnectionError(`${requestText(request)}: the network is cut off`);
    const cut = await fate.watching?.(request);
    if (this.#dead) await never();
    const { signal } = request;
    const ends = cut ? (signal ? AbortSignal.any([signal, cut]) : cut) : signal;
    const batches = transport.watchBatches?.({ ...request, ...(ends && { signal: ends }) }) ?? [];
    try {
      for await (const batch of batches) {
        if (this.#dead) await never();
        const fault = fate.next('watch', request);
        if (fault && fault.kind !== 'refused') {
          fate.note(
            name,
            `${fault.kind}${hasLength.has(fault.kind) ? ` ${fault.ms} ms` : ''}: ${requestText(request)}`,
          );
        }
        if (fault?.kind === 'watch-cut') throw new ConnectionError(`${requestText(request)}: the connection was reset`);
        if (fault?.kind === 'watch-expired') throw StatusError.expired('too old resource version');
        if (fault?.kind === 'stale-view') await clock.sleep(fault.ms);
        await fate.deliver?.(request, batch);
        if (this.#dead) await never();
        cut?.throwIfAborted();
        yield batch;
      }
    } catch (error) {
      if (cut?.aborted && cut.reason === endsInOrder) return;
      throw error;
    }
  }
}

const hasLength: ReadonlySet<FaultKind> = new Set(['slow', 'partition', 'clock-jump', 'stale-view']);

/** Stops with its process, and may show another time than others do. */
class MortalClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<() => void>();
  #offset = 0;
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#offset;
  }

  jump(ms: number): void {
    this.#offset += ms;
  }

  after(ms: number, callback: () => void): () => void {
    if (this.#ended) return () => undefined;
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  end(): void {
    this.#ended = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}

/** What a dead process waits for. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

async function* singles<E>(batches: AsyncIterable<readonly E[]>): AsyncGenerator<E> {
  for await (const batch of batches) yield* batch;
}
