import type { Readable } from 'node:stream';
import type { HttpMessage } from './http-message.ts';

export interface HttpResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Readable;
  /** Once the body has ended: whether that was its end, and not the connection's. */
  complete(): boolean;
}

/** Sends messages to one server; connections are kept for the next ones. */
export interface Connector {
  /** Resolves at the head of the answer. Rejects with the socket's error, or with `signal.reason`. */
  send(message: HttpMessage, signal: AbortSignal): Promise<HttpResponse>;
  close(): void;
}
