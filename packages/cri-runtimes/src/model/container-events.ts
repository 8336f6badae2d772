import { type ContainerEventResponse, GrpcError, grpcCode } from '@keelson/core/cri';

const queueLimit = 10_000;

interface Subscriber {
  readonly queue: ContainerEventResponse[];
  overflowed: boolean;
  wake: (() => void) | undefined;
}

/**
 * Hands container events to every open `getContainerEvents` stream. A reader that falls 10,000 events behind gets
 * `resourceExhausted` and is expected to list and subscribe again.
 */
export class ContainerEvents {
  readonly #subscribers = new Set<Subscriber>();
  #closed = false;

  /** Whether anybody listens: building an event is the caller's cost. */
  get observed(): boolean {
    return this.#subscribers.size > 0;
  }

  emit(event: ContainerEventResponse): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length >= queueLimit) subscriber.overflowed = true;
      else subscriber.queue.push(event);
      subscriber.wake?.();
    }
  }

  /** Ends all streams. */
  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.wake?.();
  }

  /** Subscribes at once, not at the first read; ends without an error when `signal` is aborted. */
  subscribe(signal?: AbortSignal): AsyncIterable<ContainerEventResponse> {
    const subscriber: Subscriber = { queue: [], overflowed: false, wake: undefined };
    this.#subscribers.add(subscriber);
    const leave = () => {
      this.#subscribers.delete(subscriber);
      subscriber.wake?.();
    };
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
    return this.#read(subscriber, signal, leave);
  }

  async *#read(
    subscriber: Subscriber,
    signal: AbortSignal | undefined,
    leave: () => void,
  ): AsyncGenerator<ContainerEventResponse> {
    try {
      while (this.#subscribers.has(subscriber)) {
        const batch = subscriber.queue.splice(0);
        for (const event of batch) yield event;
        if (batch.length > 0) continue;
        if (subscriber.overflowed) {
          throw new GrpcError(grpcCode.resourceExhausted, 'events were read too slowly: list again');
        }
        if (this.#closed) return;
        await new Promise<void>((resolve) => {
          subscriber.wake = resolve;
        });
        subscriber.wake = undefined;
      }
    } finally {
      signal?.removeEventListener('abort', leave);
      leave();
    }
  }
}
