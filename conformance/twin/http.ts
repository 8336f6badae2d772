import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Observation } from './case.ts';

export interface Target {
  readonly origin: string;
  readonly tls: { readonly ca?: string | Buffer; readonly cert?: string | Buffer; readonly key?: string | Buffer };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WireRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** A watch that is open: what has come so far, and when. */
export interface OpenWatch {
  readonly observation: Observation;
  /** Resolves once nothing has come for `idleMs`, or the stream has ended; ends the stream. */
  finish(idleMs: number): Promise<Observation>;
}

const answerMs = 30_000;

/** One side over one HTTP/2 connection that is opened anew when it breaks. */
export class Wire {
  readonly #target: Target;
  #session: ClientHttp2Session | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  get host(): string {
    return new URL(this.#target.origin).host;
  }

  close(): void {
    this.#session?.destroy();
  }

  #open(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect(this.#target.origin, { ...this.#target.tls, settings: { initialWindowSize: 1 << 22 } });
    session.setMaxListeners(0);
    session.on('error', () => session.destroy());
    session.on('goaway', () => session.close());
    this.#session = session;
    return session;
  }

  #send({ method, path, headers, body }: WireRequest) {
    const stream = this.#open().request(
      { ':method': method, ':path': path, ...this.#target.headers, ...headers },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    return stream;
  }

  /** Never rejects: what breaks is an observation too. */
  request(request: WireRequest): Promise<Observation> {
    return new Promise((resolve) => {
      let status = 0;
      let answered: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      const done = (broken?: string) => {
        clearTimeout(timer);
        resolve(observe(status, answered, Buffer.concat(chunks), broken));
      };
      const stream = this.#send(request);
      const timer = setTimeout(() => {
        done(`no answer within ${answerMs / 1000} s`);
        stream.close();
      }, answerMs);
      stream.on('response', (got) => {
        status = got[':status'] ?? 0;
        answered = got;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => done());
      stream.on('error', (error) => done(error.message));
      stream.on('close', () => done('closed without an answer'));
    });
  }

  /** Resolves once the status is there. */
  watch(request: WireRequest): Promise<OpenWatch> {
    return new Promise((resolve) => {
      let status = 0;
      let answered: IncomingHttpHeaders = {};
      let last = Date.now();
      let ended = false;
      let broken: string | undefined;
      const chunks: Buffer[] = [];
      const stream = this.#send(request);
      const finish = async (idleMs: number) => {
        const asked = Date.now();
        // A refusal ends by itself.
        const silence = status === 200 ? idleMs : answerMs;
        while (!ended && Date.now() - Math.max(last, asked) < silence)
          await new Promise((wake) => setTimeout(wake, 20));
        if (!ended) stream.close();
        return observe(status, answered, Buffer.concat(chunks), broken);
      };
      const opened = () => resolve({ observation: observe(status, answered, Buffer.alloc(0), broken), finish });
      const silent = setTimeout(opened, 1500);
      stream.on('response', (got) => {
        status = got[':status'] ?? 0;
        answered = got;
        clearTimeout(silent);
        opened();
      });
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        last = Date.now();
      });
      stream.on('end', () => {
        ended = true;
      });
      stream.on('error', (error) => {
        broken = ended ? undefined : error.message;
        ended = true;
        opened();
      });
      stream.on('close', () => {
        ended = true;
        opened();
      });
    });
  }
}

function observe(status: number, headers: IncomingHttpHeaders, body: Buffer, broken: string | undefined): Observation {
  const plain: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(':') && value !== undefined) plain[name] = value;
  return { status, headers: plain, body, at: Date.now(), ...(broken !== undefined && { broken }) };
}
