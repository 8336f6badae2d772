import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { bytesOf, type FuzzRequest } from './request.ts';

/** Where the server is and who asks. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly ca: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface Answer {
  /** 0: none. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What broke below HTTP, such as `closed` or `timeout`. */
  readonly broken?: string;
  /** The head only was waited for: what follows is a stream. */
  readonly stream?: boolean;
}

export interface ExchangeOptions {
  /** The longest time an answer may take. */
  readonly boundMs: number;
}

/** Bytes of an answer up to which it is read as it comes. */
const soonRead = 256 * 1024;

/** A fuzzer's client: HTTP/1.1 byte for byte over connections that are used again, or HTTP/2. */
export class Exchange {
  readonly #address: Address;
  readonly #boundMs: number;
  #idle: TLSSocket | undefined;
  #session: ClientHttp2Session | undefined;
  #ticket: Buffer | undefined;

  constructor(address: Address, { boundMs }: ExchangeOptions) {
    this.#address = address;
    this.#boundMs = boundMs;
  }

  close(): void {
    this.#idle?.destroy();
    this.#session?.destroy();
    this.#idle = undefined;
    this.#session = undefined;
  }

  async send(request: FuzzRequest, mayStream = false): Promise<Answer> {
    const sayable = request.headers.every(([name]) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name));
    if (request.http2 && sayable) {
      const answer = await this.#overHttp2(request, mayStream);
      if (!answer.broken?.includes('NGHTTP2_REFUSED_STREAM')) return answer;
      // A refused stream was not looked at, and may be sent again (RFC 9113, 8.7): another connection is to be used.
      this.#session?.close();
      return this.#overHttp2(request, mayStream);
    }
    return this.#overHttp1(request, mayStream);
  }

  async #overHttp1(request: FuzzRequest, mayStream: boolean): Promise<Answer> {
    const plain = request.framing === 'length' || request.framing === 'chunked';
    const reused = this.#idle;
    const first = await this.#once(request, mayStream, reused);
    // A kept connection may have been closed by the server meanwhile: that is no answer to this request.
    if (first.broken === 'closed' && reused && plain) return this.#once(request, mayStream, undefined);
    return first;
  }

  async #once(request: FuzzRequest, mayStream: boolean, kept: TLSSocket | undefined): Promise<Answer> {
    this.#idle = undefined;
    const usable = kept && !kept.destroyed && kept.readyState === 'open' ? kept : undefined;
    const socket = usable ?? (await this.#connect());
    if (!socket) return { status: 0, headers: {}, body: Buffer.alloc(0), broken: 'refused' };
    const plain = request.framing === 'length' || request.framing === 'chunked';
    return new Promise((resolve) => {
      let seen: Buffer = Buffer.alloc(0);
      let came: Buffer[] = [];
      let size = 0;
      let later: NodeJS.Timeout | undefined;
      const done = (answer: Answer, keep: boolean) => {
        clearTimeout(timer);
        clearTimeout(later);
        socket.removeAllListeners('data').removeAllListeners('close').removeAllListeners('end');
        if (keep && plain && !socket.destroyed && request.frames === undefined) this.#idle = socket;
        else socket.destroy();
        resolve(answer);
      };
      const gather = () => {
        if (came.length > 0) seen = Buffer.concat([seen, ...came]);
        came = [];
      };
      const lost = (broken: string) => {
        gather();
        const read = readAnswer(seen, request, mayStream, true);
        if (read) done(read.answer, false);
        else done({ status: 0, headers: {}, body: seen, broken }, false);
      };
      const timer = setTimeout(() => lost('timeout'), this.#boundMs);
      const look = () => {
        gather();
        const read = readAnswer(seen, request, mayStream, false);
        if (!read) return;
        if (read.answer.status !== 101) {
          done(read.answer, read.clean);
          return;
        }
        // What was upgraded is fed with garbage, and must end or take it.
        if (request.frames !== undefined) socket.write(Buffer.from(request.frames, 'latin1'));
        setTimeout(() => done(read.answer, false), 5);
      };
      socket.on('data', (chunk: Buffer) => {
        came.push(chunk);
        size += chunk.length;
        clearTimeout(later);
        // A long answer, such as all metrics, is not read anew with every piece of it.
        if (size < soonRead || chunk.subarray(-5).toString('latin1') === '0\r\n\r\n') look();
        else later = setTimeout(look, 50);
      });
      socket.on('close', () => lost('closed'));
      socket.on('end', () => lost('closed'));
      socket.write(bytesOf(request));
      // Who lies about its length says no more: the server must not wait for ever, and does not know until it is told.
      if (!plain) socket.end();
    });
  }

  #connect(): Promise<TLSSocket | undefined> {
    const { host, port, ca, cert, key } = this.#address;
    return new Promise((resolve) => {
      const session = this.#ticket;
      const socket = connect({ host, port, ca, cert, key, ALPNProtocols: ['http/1.1'], ...(session && { session }) });
      socket.setNoDelay(true);
      socket.on('session', (ticket) => {
        this.#ticket = ticket;
      });
      const timer = setTimeout(() => socket.destroy(), this.#boundMs);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        clearTimeout(timer);
        resolve(undefined);
      });
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  #overHttp2(request: FuzzRequest, mayStream: boolean): Promise<Answer> {
    const { method, target, body } = request;
    const headers: Record<string, string[] | string> = {
      [constants.HTTP2_HEADER_METHOD]: method,
      [constants.HTTP2_HEADER_PATH]: target,
    };
    for (const [name, value] of request.headers) headers[name.toLowerCase()] = value;
    const session = this.#http2();
    let opened: ClientHttp2Stream;
    try {
      opened = session.request(headers, { endStream: body === undefined });
    } catch {
      // What this client cannot say in HTTP/2 is said in HTTP/1.1.
      return this.#overHttp1({ ...request, http2: false }, mayStream);
    }
    const stream = opened;
    return new Promise((resolve) => {
      let answered: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      let over = false;
      const done = (broken?: string) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        // A stream that is over is not reset: a server takes many resets for an attack.
        if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
        const status = Number(answered[':status'] ?? 0);
        const known: Record<string, string> = {};
        for (const [name, value] of Object.entries(answered)) known[name] = String(value);
        const stopped = mayStream && status === 200 && answered['content-length'] === undefined;
        resolve({
          status,
          headers: known,
          body: Buffer.concat(chunks),
          ...(stopped && { stream: true }),
          ...(broken !== undefined && status === 0 && { broken }),
        });
      };
      const timer = setTimeout(() => done('timeout'), this.#boundMs);
      stream.on('error', (error) => done(`closed: ${error.message}`));
      stream.on('close', () => done('closed'));
      stream.on('response', (found) => {
        answered = found;
        if (mayStream && found[':status'] === 200 && found['content-length'] === undefined) done();
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => done());
      if (body !== undefined) stream.end(Buffer.from(body, 'latin1'));
    });
  }

  #http2(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const { host, port, ca, cert, key } = this.#address;
    const session = connectHttp2(`https://${host}:${port}`, { ca, cert, key });
    session.on('error', () => session.destroy());
    session.on('goaway', () => session.close());
    session.setMaxListeners(0);
    this.#session = session;
    return session;
  }
}

interface Read {
  readonly answer: Answer;
  /** Nothing follows, and the connection stays. */
  readonly clean: boolean;
}

/** An answer in what has come so far; `undefined`: not yet. */
export function readAnswer(bytes: Buffer, request: FuzzRequest, mayStream: boolean, ended: boolean): Read | undefined {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', start);
    if (end < 0) return undefined;
    const [line = '', ...lines] = bytes.toString('latin1', start, end).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0);
    start = end + 4;
    if (status >= 100 && status < 200 && status !== 101) continue;
    const headers: Record<string, string> = {};
    for (const each of lines) {
      const colon = each.indexOf(':');
      const name = each.slice(0, colon).trim().toLowerCase();
      headers[name] =
        name in headers ? `${headers[name]}, ${each.slice(colon + 1).trim()}` : each.slice(colon + 1).trim();
    }
    const stays = !/close/i.test(headers['connection'] ?? '');
    const rest = bytes.subarray(start);
    const whole = (body: Buffer, used: number): Read => ({
      answer: { status, headers, body },
      clean: stays && used === rest.length,
    });
    if (status === 101 || status === 204 || status === 304 || request.method === 'HEAD')
      return whole(Buffer.alloc(0), 0);
    if (headers['content-length'] !== undefined) {
      const length = Number(headers['content-length']);
      return rest.length < length ? undefined : whole(rest.subarray(0, length), length);
    }
    if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
      if (mayStream && status === 200) return { answer: { status, headers, body: rest, stream: true }, clean: false };
      return unchunked(rest, whole);
    }
    return ended ? { answer: { status, headers, body: rest }, clean: false } : undefined;
  }
}

function unchunked(bytes: Buffer, whole: (body: Buffer, used: number) => Read): Read | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (size === 0) return bytes.length < end + 4 ? undefined : whole(Buffer.concat(chunks), end + 4);
    if (!(size > 0) || bytes.length < end + 4 + size) return undefined;
    chunks.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}
