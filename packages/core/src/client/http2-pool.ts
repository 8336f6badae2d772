import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../machinery/index.ts';
import type { Connector, HttpResponse } from './connector.ts';
import type { HttpMessage } from './http-message.ts';
import { orAborted } from './or-aborted.ts';

/** How a silent connection is found out. */
export interface Pings {
  readonly everyMs: number;
  /** Without an answer for so long it is lost. */
  readonly timeoutMs: number;
}

export interface Http2PoolOptions {
  readonly origin: URL;
  readonly clock: Clock;
  readonly pings: Pings;
  /** The connection on which HTTP/2 was agreed. */
  readonly first: TLSSocket;
  /** Opens another one. */
  readonly open: () => Promise<TLSSocket>;
}

interface Session {
  readonly session: ClientHttp2Session;
  /** Streams under way. */
  streams: number;
  /** No new streams: the server said it is going, or the connection is broken. */
  retired: boolean;
}

/** Never more streams a connection than this, whatever the server allows: a lost connection is then a smaller loss. */
const mostStreams = 100;
const windowSize = 4 * 1024 * 1024;
const settingsTimeoutMs = 15_000;

/** Requests as streams of a few connections. A silent connection is found out by pings; an idle one lets the process end. */
export class Http2Pool implements Connector {
  readonly #options: Omit<Http2PoolOptions, 'first'>;
  readonly #sessions: Session[] = [];
  #opening: Promise<void> | undefined;
  #closed = false;

  private constructor(options: Omit<Http2PoolOptions, 'first'>) {
    this.#options = options;
  }

  static async open({ first, ...options }: Http2PoolOptions): Promise<Http2Pool> {
    const pool = new Http2Pool(options);
    await pool.#handshake(first);
    return pool;
  }

  async send(message: HttpMessage, signal: AbortSignal): Promise<HttpResponse> {
    for (let again = true; ; again = false) {
      const session = await this.#acquire(signal);
      try {
        return await this.#exchange(session, message, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        // The server did not look at it (RFC 9113, 8.7): to send it once more is safe whatever it is.
        if (!again || !refused(error)) throw error;
        session.retired = true;
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const { session } of this.#sessions) session.close();
  }

  async #acquire(signal: AbortSignal): Promise<Session> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed) throw new Error('the connections are closed');
      const free = this.#sessions.find((each) => !each.retired && each.streams < capacity(each.session));
      if (free) {
        free.streams += 1;
        return free;
      }
      this.#opening ??= this.#establish();
      await orAborted(this.#opening, signal);
    }
  }

  async #establish(): Promise<void> {
    try {
      await this.#handshake(await this.#options.open());
    } finally {
      this.#opening = undefined;
    }
  }

  #handshake(socket: TLSSocket): Promise<void> {
    return new Promise((resolve, reject) => {
      const session = connect(this.#options.origin, {
        createConnection: () => socket,
        settings: { enablePush: false, initialWindowSize: windowSize },
      });
      const entry: Session = { session, streams: 0, retired: false };
      const cancelTimer = this.#options.clock.after(settingsTimeoutMs, () =>
        session.destroy(new Error(`the server did not begin HTTP/2 within ${settingsTimeoutMs / 1_000} s`)),
      );
      session.once('remoteSettings', () => {
        cancelTimer();
        session.setLocalWindowSize(windowSize * 4);
        session.unref();
        this.#sessions.push(entry);
        this.#watchOver(entry);
        if (this.#closed) session.close();
        resolve();
      });
      session.once('goaway', () => {
        entry.retired = true;
      });
      session.on('error', reject);
      session.once('close', () => {
        cancelTimer();
        entry.retired = true;
        const at = this.#sessions.indexOf(entry);
        if (at >= 0) this.#sessions.splice(at, 1);
        reject(new Error('the server closed the connection'));
      });
    });
  }

  /** A connection that nobody uses need not answer; one with watches on it must, or they would be silent for ever. */
  #watchOver(entry: Session): void {
    const { session } = entry;
    const { clock, pings } = this.#options;
    const next = () =>
      clock.after(pings.everyMs, () => {
        if (session.destroyed) return;
        cancel = next();
        if (entry.streams === 0) return;
        const late = clock.after(pings.timeoutMs, () => {
          entry.retired = true;
          session.destroy(new Error(`the connection did not answer within ${pings.timeoutMs / 1_000} s`));
        });
        session.ping(() => late());
      });
    let cancel = next();
    session.once('close', () => cancel());
  }

  #exchange(entry: Session, { method, path, headers, body }: HttpMessage, signal: AbortSignal): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const { session } = entry;
      let stream: ClientHttp2Stream;
      try {
        // Aborted while it waited for a connection: nobody would end the stream.
        signal.throwIfAborted();
        stream = session.request(
          {
            ...headers,
            ':method': method,
            ':path': path,
            ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
          },
          { endStream: body === undefined },
        );
      } catch (error) {
        entry.streams -= 1;
        entry.retired ||= !signal.aborted;
        reject(error);
        return;
      }
      session.ref();
      const abort = () => stream.close(constants.NGHTTP2_CANCEL);
      signal.addEventListener('abort', abort, { once: true });
      stream.once('response', (head) => {
        const retryAfter = head['retry-after'];
        resolve({
          status: head[':status'] ?? 0,
          retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
          body: stream,
          // A stream that is cut off ends for its reader like one that is complete.
          complete: () => !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR,
        });
      });
      stream.on('error', reject);
      stream.once('close', () => {
        signal.removeEventListener('abort', abort);
        entry.streams -= 1;
        if (entry.streams === 0 && !session.destroyed) session.unref();
        reject(signal.aborted ? signal.reason : streamError(stream.rstCode));
      });
      if (body !== undefined) stream.end(body);
    });
  }
}

function capacity(session: ClientHttp2Session): number {
  return session.closed || session.destroyed
    ? 0
    : Math.min(mostStreams, session.remoteSettings.maxConcurrentStreams ?? mostStreams);
}

function streamError(code: number): Error {
  return Object.assign(new Error(`the server closed the stream (HTTP/2 code ${code})`), { rstCode: code });
}

function refused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('rstCode' in error && error.rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
  return 'code' in error && (error.code === 'ERR_HTTP2_GOAWAY_SESSION' || error.code === 'ERR_HTTP2_INVALID_SESSION');
}
