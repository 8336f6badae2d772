import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { FrontConnection } from './front.ts';

/** An answer of either protocol. */
export type Answer = ServerResponse | Http2ServerResponse;

/** What happens to a watch at its next event. */
const streamFaults = [
  'cutInLine',
  'cutAtLine',
  'end',
  'endInLine',
  'stall',
  'delay',
  'slowReader',
  'goneEvent',
  'failingEvent',
  'garbage',
] as const;
export type StreamFault = (typeof streamFaults)[number];

export const isStreamFault = (name: string): name is StreamFault => streamFaults.some((each) => each === name);

const newline = 0x0a;
const delayMs = 1_500;
/** So long it takes until what was written is on its way. */
const soonMs = 5;
/** A slow reader takes a few kB so often, until the server has enough of it, or for so long. */
const slowEveryMs = 150;
const slowForMs = 12_000;

export const statusOf = (code: number, reason: string, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  code,
});

const errorLine = (status: object) => `${JSON.stringify({ type: 'ERROR', object: status })}\n`;

/** Breaks an answer off: a reset of its stream where it shares the connection, else of the connection. */
export function cut(answer: Answer, connection: FrontConnection | undefined): void {
  if (answer.writableFinished || answer.destroyed) return;
  if ('stream' in answer) answer.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else if (connection) connection.reset();
  else answer.destroy();
}

/** Writes to an answer of either protocol; `false`: wait for `drain`. */
export function write(answer: Answer, bytes: Uint8Array | string): boolean {
  if (answer.destroyed || answer.writableEnded) return true;
  return 'stream' in answer ? answer.write(bytes) : answer.write(bytes);
}

/** One watch on its way through the proxy. Lines are passed on whole, so that a fault can come between two or inside of one. */
export class WatchStream {
  readonly #upstream: IncomingMessage;
  readonly #answer: Answer;
  readonly #connection: FrontConnection | undefined;
  readonly #dropBookmarks: boolean;
  #rest: Buffer = Buffer.alloc(0);
  #fault: StreamFault | undefined;
  #state: 'flowing' | 'held' | 'slow' | 'over' = 'flowing';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    upstream: IncomingMessage,
    answer: Answer,
    options: { readonly connection: FrontConnection | undefined; readonly dropBookmarks: boolean },
  ) {
    this.#upstream = upstream;
    this.#answer = answer;
    this.#connection = options.connection;
    this.#dropBookmarks = options.dropBookmarks;
    upstream.on('data', (chunk: Buffer) => this.#take(chunk));
    upstream.once('end', () => this.#ended(() => answer.end()));
    upstream.once('error', () => this.#ended(() => cut(answer, this.#connection)));
    answer.once('close', () => this.#over());
  }

  /** At the next event. */
  plan(fault: StreamFault): void {
    this.#fault = fault;
  }

  /** Now. */
  cut(): void {
    if (this.#state === 'over') return;
    cut(this.#answer, this.#connection);
    this.#over();
  }

  /** What was held up for a while goes on; what is half-open stays so. */
  calm(): void {
    this.#fault = undefined;
    if (this.#state === 'slow') this.#flow();
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'over') return;
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = all.lastIndexOf(newline) + 1;
    this.#rest = all.subarray(end);
    if (end === 0) return;
    const lines = this.#dropBookmarks ? withoutBookmarks(all.subarray(0, end)) : all.subarray(0, end);
    if (lines.length === 0) return;
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault) this.#suffer(fault, lines);
    else this.#pass(lines);
  }

  #pass(bytes: Uint8Array | string): void {
    if (!write(this.#answer, bytes)) {
      this.#upstream.pause();
      this.#answer.once('drain', () => {
        if (this.#state === 'flowing') this.#upstream.resume();
      });
    }
    if (this.#state === 'slow') this.#pause(slowEveryMs, () => this.#upstream.resume());
  }

  #suffer(fault: StreamFault, lines: Buffer): void {
    const first = lines.subarray(0, lines.indexOf(newline) + 1);
    const half = first.subarray(0, first.length >> 1);
    const endAfter = (bytes: Uint8Array | string) => {
      this.#pass(bytes);
      this.#answer.end();
      this.#over();
    };
    const cutAfter = (bytes: Uint8Array) => {
      this.#pass(bytes);
      this.#hold();
      this.#pause(soonMs, () => this.cut());
    };
    const suffered: Readonly<Record<StreamFault, () => void>> = {
      cutInLine: () => cutAfter(half),
      cutAtLine: () => cutAfter(first),
      end: () => endAfter(first),
      endInLine: () => endAfter(half),
      goneEvent: () => endAfter(errorLine(statusOf(410, 'Expired', 'too old resource version: 1 (2)'))),
      failingEvent: () => endAfter(errorLine(statusOf(500, 'InternalError', 'the watch cannot go on'))),
      garbage: () => endAfter('<html><body>Bad gateway</body></html>\n'),
      stall: () => this.#hold(),
      delay: () => {
        this.#hold();
        this.#pause(delayMs, () => {
          this.#flow();
          this.#pass(lines);
        });
      },
      slowReader: () => {
        this.#state = 'slow';
        setTimeout(() => this.calm(), slowForMs).unref();
        this.#pass(lines);
      },
    };
    suffered[fault]();
  }

  #hold(): void {
    this.#state = 'held';
    this.#upstream.pause();
  }

  #pause(ms: number, then: () => void): void {
    this.#upstream.pause();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#state !== 'over') then();
    }, ms);
  }

  #flow(): void {
    this.#state = 'flowing';
    clearTimeout(this.#timer);
    this.#upstream.resume();
  }

  /** The server ended it. Who is half-open is not told. */
  #ended(tell: () => void): void {
    if (this.#state === 'held' || this.#state === 'over') return;
    tell();
    this.#over();
  }

  #over(): void {
    this.#state = 'over';
    clearTimeout(this.#timer);
    this.#upstream.destroy();
  }
}

function withoutBookmarks(lines: Buffer): Buffer {
  if (!lines.includes('"BOOKMARK"')) return lines;
  const kept = lines
    .toString('utf8')
    .split('\n')
    .filter((line) => !/^\{"type":"BOOKMARK"/.test(line));
  return Buffer.from(kept.join('\n'));
}
