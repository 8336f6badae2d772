import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { type Clock, systemClock } from '@keelson/core/machinery';
import { StorageClosedError } from '../contract.ts';
import { failureOf, storageErrorOf } from './errors.ts';
import { type Message, type Method, methods, type TypeName } from './messages.ts';
import type { EtcdOptions } from './options.ts';

export type WatchCall = ClientDuplexStream<Message<'WatchRequest'>, Message<'WatchResponse'>>;

export interface CallOptions {
  /** Another attempt is made only while it is sure that none before has done anything. */
  readonly write?: boolean;
  readonly signal?: AbortSignal;
  /** Milliseconds for all attempts; default ten seconds. */
  readonly within?: number;
}

/** For one attempt: longer than an election of a leader, so that a write waits it out. */
const attemptMs = 5_000;
const totalMs = 10_000;
const firstPauseMs = 20;
const longestPauseMs = 1_000;

const channelOptions = {
  // etcd cuts off who pings more often than every five seconds.
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 4_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.service_config_disable_resolution': 1,
};

/** Calls to whichever member of an etcd cluster answers: the one that answered last is asked first. */
export class EtcdConnection {
  readonly #options: EtcdOptions;
  readonly #clock: Clock;
  readonly #clients: readonly Client[];
  #current: number;
  #token: Promise<string> | undefined;
  #closed = false;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#clients = options.endpoints.map(
      (each) => new Client(addressOf(each), credentialsFor(each, options), channelOptions),
    );
    // Servers spread over the members instead of all leaning on the first.
    this.#current = Math.floor(options.random() * this.#clients.length);
  }

  /** One answer. Rejects with a `StorageError`, or a gRPC error that `failureOf` knows as other than unavailable. */
  async call<Request extends TypeName, Response extends TypeName>(
    method: Method<Request, Response>,
    request: Message<Request>,
    { write = false, signal, within = totalMs }: CallOptions = {},
  ): Promise<Message<Response>> {
    const deadline = this.#clock.now() + within;
    let pause = firstPauseMs;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      if (this.#closed) throw new StorageClosedError('the store is closed');
      const asked = this.#current;
      try {
        const limit = Math.min(attemptMs, Math.max(deadline - this.#clock.now(), 1));
        return await this.#attempt(asked, method, request, limit, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = failureOf(error);
        if (failure.type === 'credentials' && this.#options.user && attempt === 1) {
          this.#token = undefined;
          continue;
        }
        if (failure.type !== 'unavailable') throw error;
        this.#avoid(asked);
        const unknown = write && failure.sent;
        if (unknown || this.#clock.now() + pause >= deadline) throw storageErrorOf(error, unknown ? 'unknown' : 'none');
        // All members in turn without a pause; then with longer and longer ones.
        if (attempt % this.#clients.length === 0) {
          await this.#clock.sleep(pause * (0.5 + this.#options.random()), signal);
          pause = Math.min(pause * 2, longestPauseMs);
        }
      }
    }
  }

  /** A stream of watches to one member. `lost` is called by the caller once it ends by itself. */
  async watch(): Promise<{ readonly call: WatchCall; readonly version: string; lost(): void }> {
    const asked = this.#current;
    try {
      const { version = '' } = await this.#attempt(asked, methods.status, {}, attemptMs, undefined);
      const { path, request, response } = methods.watch;
      const call = this.#clientAt(asked).makeBidiStreamRequest(
        path,
        (message: Message<'WatchRequest'>) => request.encode(message),
        (bytes: Buffer) => response.decode(bytes),
        await this.#metadata(asked),
      );
      // Whoever reads the stream gets the error as well; nobody need do so any more when it comes.
      call.on('error', () => undefined);
      return { call, version, lost: () => this.#avoid(asked) };
    } catch (error) {
      this.#avoid(asked);
      if (failureOf(error).type === 'credentials') this.#token = undefined;
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    for (const each of this.#clients) each.close();
  }

  #clientAt(index: number): Client {
    const client = this.#clients[index];
    if (!client) throw new Error('etcd needs at least one endpoint');
    return client;
  }

  /** From now on others are asked first, unless somebody has turned to another one already. */
  #avoid(asked: number): void {
    if (this.#current === asked) this.#current = (asked + 1) % this.#clients.length;
  }

  async #metadata(index: number): Promise<Metadata> {
    const metadata = new Metadata();
    // A member that knows of no leader says so at once, instead of letting the request wait for one.
    metadata.set('hasleader', 'true');
    if (this.#options.user) {
      this.#token ??= this.#authenticate(index, this.#options.user);
      try {
        metadata.set('token', await this.#token);
      } catch (error) {
        this.#token = undefined;
        throw error;
      }
    }
    return metadata;
  }

  async #authenticate(index: number, user: { readonly name: string; readonly password: string }): Promise<string> {
    const { token = '' } = await this.#send(index, methods.authenticate, user, new Metadata(), attemptMs, undefined);
    return token;
  }

  async #attempt<Request extends TypeName, Response extends TypeName>(
    index: number,
    method: Method<Request, Response>,
    request: Message<Request>,
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<Message<Response>> {
    const metadata = await this.#metadata(index);
    return this.#send(index, method, request, metadata, limit, signal);
  }

  #send<Request extends TypeName, Response extends TypeName>(
    index: number,
    { path, request: encoder, response }: Method<Request, Response>,
    request: Message<Request>,
    metadata: Metadata,
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<Message<Response>> {
    return new Promise((resolve, reject) => {
      const call = this.#clientAt(index).makeUnaryRequest(
        path,
        (message: Message<Request>) => encoder.encode(message),
        (bytes: Buffer): Message<Response> => response.decode(bytes),
        request,
        metadata,
        // gRPC keeps to the system's own time.
        { deadline: systemClock.now() + limit },
        (error, answer) => {
          signal?.removeEventListener('abort', cancel);
          if (error) reject(error);
          else if (answer) resolve(answer);
          else reject(new Error('an answer without a message'));
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }
}

function addressOf(endpoint: string): string {
  return endpoint.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

function credentialsFor(endpoint: string, { tls }: EtcdOptions): ChannelCredentials {
  if (endpoint.startsWith('http://')) return credentials.createInsecure();
  const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));
  return credentials.createSsl(bytes(tls?.ca), bytes(tls?.key), bytes(tls?.certificate));
}
