import { SpdyError } from './header-block.ts';

/** SPDY/3.1, section 2.2: control frames by their type. */
export const frameTypes = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const flagFin = 0x01;

export interface DataFrame {
  readonly control: false;
  readonly stream: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface ControlFrame {
  readonly control: true;
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

const largestControl = 256 * 1024;
const largestData = 16 * 1024 * 1024;

/** Cuts the bytes of a connection into frames. Throws `SpdyError` for another version and frames beyond all bounds. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<DataFrame | ControlFrame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 8) {
      const first = this.#rest.readUInt32BE(0);
      const flags = this.#rest.readUInt8(4);
      const length = this.#rest.readUIntBE(5, 3);
      const control = first >= 0x80000000;
      if (length > (control ? largestControl : largestData)) throw new SpdyError(`a frame of ${length} bytes`);
      if (control && ((first >>> 16) & 0x7fff) !== 3) throw new SpdyError('only SPDY/3.1 is spoken here');
      if (this.#rest.length < 8 + length) return;
      const payload = this.#rest.subarray(8, 8 + length);
      this.#rest = this.#rest.subarray(8 + length);
      yield control
        ? { control: true, type: first & 0xffff, flags, payload }
        : { control: false, stream: first, flags, payload };
    }
  }
}

function framed(first: number, flags: number, ...payload: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(first);
  head.writeUInt32BE(
    payload.reduce((sum, each) => sum + each.length, 0),
    4,
  );
  head.writeUInt8(flags, 4);
  return Buffer.concat([head, ...payload]);
}

const numbers = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 4);
  });
  return bytes;
};

const control = (type: number) => (0x80030000 | type) >>> 0;

export const dataFrame = (stream: number, payload: Uint8Array, fin: boolean) =>
  framed(stream, fin ? flagFin : 0, payload);
export const synStream = (stream: number, block: Uint8Array) =>
  framed(control(frameTypes.synStream), 0, numbers(stream, 0), Buffer.alloc(2), block);
export const synReply = (stream: number, block: Uint8Array) =>
  framed(control(frameTypes.synReply), 0, numbers(stream), block);
export const rstStream = (stream: number, status: number) =>
  framed(control(frameTypes.rstStream), 0, numbers(stream, status));
export const ping = (id: number) => framed(control(frameTypes.ping), 0, numbers(id));
export const goAway = (lastStream: number) => framed(control(frameTypes.goAway), 0, numbers(lastStream, 0));
