import type { Duplex } from 'node:stream';
import {
  type ControlFrame,
  type DataFrame,
  dataFrame,
  FrameReader,
  flagFin,
  frameTypes,
  goAway,
  ping,
  rstStream,
  synReply,
  synStream,
} from './frames.ts';
import { HeaderBlockReader, HeaderBlockWriter, SpdyError, type SpdyHeaders } from './header-block.ts';
import { SpdyStream } from './spdy-stream.ts';

/** Which side of a SPDY connection this is, and what it takes from the other one. */
export interface SpdyConnectionOptions {
  /** A client's streams have odd numbers, a server's even ones. */
  readonly role: 'client' | 'server';
  /** A stream that the other side opened; it is accepted already. */
  readonly onStream?: (stream: SpdyStream) => void;
  /** Further streams that the other side opens are refused. Default 1,000. */
  readonly maxStreams?: number;
}

const status = { protocolError: 1, refused: 3, cancel: 5 } as const;

/**
 * SPDY/3.1 as Kubernetes uses it for exec, attach and port-forward: streams in both directions, header compression, no
 * flow control but that of the socket (its Go peers know none).
 */
export class SpdyConnection {
  /** Resolves when the connection is over, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #options: SpdyConnectionOptions;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #opening = new Map<number, { accept(): void; refuse(error: Error): void }>();
  readonly #writer = new HeaderBlockWriter();
  readonly #reader = new HeaderBlockReader();
  #nextId: number;
  #lastRemote = 0;
  #over = false;

  /** `socket`: after the upgrade; what came along with it is put back first (`socket.unshift`). */
  constructor(socket: Duplex, options: SpdyConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#nextId = options.role === 'client' ? 1 : 2;
    // Only reading ends it: frames of the last chunk may still wait for their readers when the socket is closed.
    this.closed = this.#run();
  }

  /** Opens a stream. Rejects when the other side refuses it or the connection ends before it answers. */
  open(headers: SpdyHeaders): Promise<SpdyStream> {
    if (this.#over) return Promise.reject(new SpdyError('the connection is closed'));
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#add(id, headers);
    const accepted = new Promise<SpdyStream>((resolve, reject) => {
      this.#opening.set(id, { accept: () => resolve(stream), refuse: reject });
    });
    this.#socket.write(synStream(id, this.#writer.write(headers)));
    return accepted;
  }

  /** Tells the other side that no more streams come, and ends once all that was written is sent. */
  close(): void {
    if (this.#over) return;
    this.#socket.write(goAway(this.#lastRemote));
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(id, headers, {
      send: (at, chunk, fin) => this.#send(dataFrame(at, chunk, fin)),
      reset: (at) => {
        if (!this.#over) this.#socket.write(rstStream(at, status.cancel));
      },
    });
    this.#streams.set(id, stream);
    stream.once('close', () => this.#streams.delete(id));
    return stream;
  }

  #send(frame: Buffer): Promise<void> {
    if (this.#over) return Promise.reject(new SpdyError('the connection is closed'));
    return new Promise((resolve, reject) => {
      this.#socket.write(frame, (error) => (error ? reject(error) : resolve()));
    });
  }

  async #run(): Promise<void> {
    const frames = new FrameReader();
    try {
      for await (const chunk of this.#socket) {
        for (const frame of frames.read(chunk as Buffer)) {
          if (frame.control) await this.#control(frame);
          else await this.#data(frame);
        }
      }
    } catch (error) {
      // What a broken connection means is told by its streams.
      this.#end(error instanceof Error ? error : new SpdyError(String(error)));
    }
    this.#end();
  }

  #data({ stream: id, flags, payload }: DataFrame): Promise<void> | undefined {
    const stream = this.#streams.get(id);
    if (!stream) return undefined;
    const waiting = payload.length > 0 ? stream.deliver(payload) : undefined;
    if ((flags & flagFin) !== 0) stream.finish();
    return waiting;
  }

  async #control({ type, flags, payload }: ControlFrame): Promise<void> {
    switch (type) {
      case frameTypes.synStream:
        return this.#opened(payload, flags);
      case frameTypes.synReply: {
        const id = payload.readUInt32BE(0);
        await this.#reader.read(payload.subarray(4));
        this.#opening.get(id)?.accept();
        this.#opening.delete(id);
        if ((flags & flagFin) !== 0) this.#streams.get(id)?.finish();
        return;
      }
      case frameTypes.headers:
        // They carry nothing here, but the state of the compression goes through them.
        await this.#reader.read(payload.subarray(4));
        if ((flags & flagFin) !== 0) this.#streams.get(payload.readUInt32BE(0))?.finish();
        return;
      case frameTypes.rstStream: {
        const id = payload.readUInt32BE(0);
        const reason = new SpdyError(`the stream was reset (${payload.readUInt32BE(4)})`);
        this.#opening.get(id)?.refuse(reason);
        this.#opening.delete(id);
        this.#streams.get(id)?.abandon();
        return;
      }
      case frameTypes.ping: {
        const id = payload.readUInt32BE(0);
        const own = id % 2 === (this.#options.role === 'client' ? 1 : 0);
        if (!own) this.#socket.write(ping(id));
        return;
      }
      default:
      // SETTINGS, GOAWAY and WINDOW_UPDATE change nothing here.
    }
  }

  async #opened(payload: Buffer, flags: number): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.#reader.read(payload.subarray(10));
    const remoteParity = this.#options.role === 'client' ? 0 : 1;
    if (id % 2 !== remoteParity || id <= this.#lastRemote) {
      throw new SpdyError(`a stream with the number ${id} cannot be opened`);
    }
    this.#lastRemote = id;
    const { onStream, maxStreams = 1000 } = this.#options;
    if (!onStream || this.#streams.size >= maxStreams) {
      this.#socket.write(rstStream(id, status.refused));
      return;
    }
    const stream = this.#add(id, headers);
    this.#socket.write(synReply(id, this.#writer.write({})));
    onStream(stream);
    if ((flags & flagFin) !== 0) stream.finish();
  }

  #end(error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    const reason = error ?? new SpdyError('the connection has ended');
    for (const { refuse } of this.#opening.values()) refuse(reason);
    this.#opening.clear();
    for (const stream of [...this.#streams.values()]) stream.abandon();
    this.#reader.close();
    if (error) this.#socket.destroy();
    else this.#socket.end();
  }
}
