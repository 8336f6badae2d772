import { Duplex } from 'node:stream';
import { SpdyError, type SpdyHeaders } from './header-block.ts';

/** What a stream needs of its connection. */
export interface StreamCarrier {
  /** Resolves when the connection takes more. */
  send(stream: number, chunk: Uint8Array, fin: boolean): Promise<void>;
  reset(stream: number): void;
}

/** SPDY/3.1 data frames carry up to 16 MiB; small ones let streams take turns. */
const largestPiece = 64 * 1024;

/** One stream of a connection; ending it closes its half, destroying it resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #carrier: StreamCarrier;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(id: number, headers: SpdyHeaders, carrier: StreamCarrier) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
  }

  /** From the connection: resolves when the reader has room for more. */
  deliver(chunk: Buffer): Promise<void> | undefined {
    if (this.destroyed || this.readableEnded || this.push(chunk)) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** From the connection: nothing more will come. */
  finish(): void {
    if (!this.destroyed) this.push(null);
  }

  /**
   * From the connection: the other side, or the whole connection, is gone. What came before can still be read: peers
   * written in Go reset streams to close them.
   */
  abandon(): void {
    this.#over = true;
    this.finish();
  }

  override _read(): void {
    this.#wakeUp();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.#over) {
      done(new SpdyError('the stream was reset'));
      return;
    }
    const send = async () => {
      for (let at = 0; at < chunk.length; at += largestPiece) {
        await this.#carrier.send(this.id, chunk.subarray(at, at + largestPiece), false);
      }
    };
    send().then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    if (this.#over) done();
    else this.#carrier.send(this.id, Buffer.alloc(0), true).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wakeUp();
    if (!this.#over && !(this.readableEnded && this.writableFinished)) this.#carrier.reset(this.id);
    done(error);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
