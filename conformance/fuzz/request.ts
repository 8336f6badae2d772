/** How the body lies on the wire; all but the first two are lies or garbage. */
export type Framing =
  | 'length'
  | 'chunked'
  | 'length-too-long'
  | 'length-too-short'
  | 'length-twice'
  | 'length-negative'
  | 'both'
  | 'chunk-garbage'
  | 'chunk-huge'
  | 'cut';

/** One request as it is written to a socket; texts are latin1, a character a byte. */
export interface FuzzRequest {
  readonly method: string;
  /** With the query; as it is, also where no client would send it. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly framing: Framing;
  /** Sent over HTTP/2, where its headers allow that. */
  readonly http2?: boolean;
  /** What is sent once the connection has been upgraded. */
  readonly frames?: string;
}

/** Requests that follow one another, perhaps to an object that is there before them. */
export interface FuzzCase {
  /** Of what this is a case, for the count. */
  readonly about: string;
  /** The id of a kind: its least object is made first. */
  readonly base?: string;
  readonly requests: readonly FuzzRequest[];
}

/** A string as bytes: everything beyond latin1 in UTF-8, lone surrogates as no decoder should take them. */
export function wire(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0;
    if (code < 0x80) out += text[at];
    else if (code < 0x800) out += bytes(0xc0 | (code >> 6), low(code));
    else if (code < 0x10000) out += bytes(0xe0 | (code >> 12), low(code >> 6), low(code));
    else {
      out += bytes(0xf0 | (code >> 18), low(code >> 12), low(code >> 6), low(code));
      at++;
    }
  }
  return out;
}

const low = (code: number) => 0x80 | (code & 0x3f);
const bytes = (...codes: readonly number[]) => String.fromCharCode(...codes);

/** Whether a client of HTTP could have sent it: only then must there be an answer. */
export function wellFormed({ method, target, headers, framing, body }: FuzzRequest): boolean {
  if (framing !== 'length' && framing !== 'chunked') return false;
  if (body !== undefined && (method === 'CONNECT' || method === 'TRACE')) return false;
  if (!knownMethods.has(method)) return false;
  if (!/^\/[\x21-\x7e]*$/.test(target) || target.length > 8000) return false;
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size > 8000 || headers.length > 80) return false;
  return headers.every(
    ([name, value]) =>
      /^[A-Za-z0-9-]+$/.test(name) &&
      /^[\x20-\x7e]*$/.test(value) &&
      !/^(content-length|transfer-encoding|expect|host|connection|upgrade|te|trailer)$/i.test(name),
  );
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The bytes of a request over HTTP/1.1. */
export function bytesOf(request: FuzzRequest): Buffer {
  const { method, target, headers, body, framing } = request;
  const named = (name: string) => headers.some(([each]) => each.toLowerCase() === name);
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!named('host')) lines.push('host: fuzz');
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const length = body?.length ?? 0;
  const framed = body ?? '';
  const chunk = framed === '' ? '' : `${length.toString(16)}\r\n${framed}\r\n`;
  const end = (extra: readonly string[], text: string) =>
    Buffer.from(`${[...lines, ...extra].join('\r\n')}\r\n\r\n${text}`, 'latin1');
  switch (framing) {
    case 'length':
      return end(body === undefined ? [] : [`content-length: ${length}`], framed);
    case 'chunked':
      return body === undefined ? end([], '') : end(['transfer-encoding: chunked'], `${chunk}0\r\n\r\n`);
    case 'length-too-long':
      return end([`content-length: ${length + 10}`], framed);
    case 'length-too-short':
      return end([`content-length: ${Math.max(0, length - 3)}`], framed);
    case 'length-twice':
      return end([`content-length: ${length}`, `content-length: ${length + 1}`], framed);
    case 'length-negative':
      return end(['content-length: -5'], framed);
    case 'both':
      return end([`content-length: ${length}`, 'transfer-encoding: chunked'], `${chunk}0\r\n\r\n`);
    case 'chunk-garbage':
      return end(['transfer-encoding: chunked'], `${chunk}zz\r\n${framed}`);
    case 'chunk-huge':
      return end(['transfer-encoding: chunked'], `fffffffffffffff\r\n${framed}`);
    case 'cut': {
      const whole = end([`content-length: ${length}`], framed);
      return whole.subarray(0, Math.ceil(whole.length * 0.7));
    }
  }
}

/** The words that stand for a case's own names, each as long as what it stands for where bytes are counted. */
export function named(request: FuzzRequest, names: ReadonlyMap<string, string>): FuzzRequest {
  const put = (text: string) => text.replace(/\{\{(\w+)\}\}/g, (found, name: string) => names.get(name) ?? found);
  return {
    ...request,
    target: put(request.target),
    headers: request.headers.map(([name, value]) => [name, put(value)]),
    ...(request.body !== undefined && { body: put(request.body) }),
  };
}

/** So that a person can send it again: the bytes for `openssl s_client -quiet`, cut where they are many. */
export function printed(request: FuzzRequest): string {
  const text = bytesOf(request).toString('latin1');
  const shown = text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length} bytes)` : text;
  const quoted = shown.replace(
    /[^\x20-\x7e]|[\\'%]/g,
    (each) =>
      ({ '\r': '\\r', '\n': '\\n', '\\': '\\\\', '%': '%%' })[each] ??
      (each.charCodeAt(0) > 255 ? each : `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`),
  );
  return `printf '${quoted}'${request.http2 ? '   # over HTTP/2' : ''}${request.frames === undefined ? '' : `   # then ${JSON.stringify(request.frames)}`}`;
}
