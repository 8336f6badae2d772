import { goQuote } from '../../registry/strategy.ts';
import { IpProblem, parseAddress } from './ip-address.ts';

/** A URL by Go's `net/url`, as far as Kubernetes shows of it. */
export interface GoUrl {
  readonly scheme: string;
  /** What follows the scheme where that is no path: `a@b.c` of `mailto:a@b.c`. */
  readonly opaque: string;
  readonly user: string;
  /** With the port, percent-decoded. */
  readonly host: string;
  /** As it is written, or escaped by Go where it cannot stand so. */
  readonly escapedPath: string;
  /** Undefined where there is not even a question mark. */
  readonly query: string | undefined;
  /** Percent-decoded. */
  readonly fragment: string;
}

type Mode = 'path' | 'host' | 'zone' | 'user' | 'query';

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

class Refused {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** What is wrong with a text as a request URI (`url.ParseRequestURI`), in Go's words; undefined where it is one. */
export function requestUriProblem(text: string): string | undefined {
  const parsed = attempt(text, () => parse(text));
  return typeof parsed === 'string' ? parsed : undefined;
}

/** Reads a URL (`url.Parse`) that is a request URI too; what is wrong with it in Go's words. */
export function parseGoUrl(text: string): GoUrl | string {
  return (
    requestUriProblem(text) ??
    attempt(text, () => {
      const hash = text.indexOf('#');
      if (hash < 0) return parse(text);
      return { ...parse(text.slice(0, hash)), fragment: percentDecoded(text.slice(hash + 1), 'path') };
    })
  );
}

function attempt(text: string, read: () => GoUrl): GoUrl | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) return `parse ${goQuote(text)}: ${error.why}`;
    throw error;
  }
}

const nothing: GoUrl = { scheme: '', opaque: '', user: '', host: '', escapedPath: '', query: undefined, fragment: '' };

function parse(text: string): GoUrl {
  if (/[\x00-\x1f\x7f]/.test(text)) throw new Refused('net/url: invalid control character in URL');
  if (text === '') throw new Refused('empty url');
  if (text === '*') return { ...nothing, escapedPath: '*' };
  const { scheme, rest: afterScheme } = splitScheme(text);
  const mark = afterScheme.indexOf('?');
  const query = mark < 0 ? undefined : afterScheme.slice(mark + 1);
  const beforeQuery = mark < 0 ? afterScheme : afterScheme.slice(0, mark);
  const url = { ...nothing, scheme: scheme.toLowerCase(), query };
  if (!beforeQuery.startsWith('/')) {
    if (scheme === '') throw new Refused('invalid URI for request');
    return { ...url, opaque: beforeQuery };
  }
  if (!beforeQuery.startsWith('//') || (scheme === '' && beforeQuery.startsWith('///'))) {
    return { ...url, escapedPath: escapedPath(beforeQuery) };
  }
  const slash = beforeQuery.indexOf('/', 2);
  const authority = parseAuthority(beforeQuery.slice(2, slash < 0 ? undefined : slash));
  return { ...url, ...authority, escapedPath: escapedPath(slash < 0 ? '' : beforeQuery.slice(slash)) };
}

/** As it is written, where it may stand so. */
function escapedPath(path: string): string {
  const decoded = percentDecoded(path, 'path');
  return /^[!$&'()*+,;=:@[\]\-._~/0-9A-Za-z%]*$/.test(path) ? path : escapePath(decoded);
}

function splitScheme(text: string): { readonly scheme: string; readonly rest: string } {
  const scheme = /^[A-Za-z][A-Za-z0-9+\-.]*(?=:)/.exec(text)?.[0];
  if (scheme !== undefined) return { scheme, rest: text.slice(scheme.length + 1) };
  if (text.startsWith(':')) throw new Refused('missing protocol scheme');
  return { scheme: '', rest: text };
}

function parseAuthority(authority: string): Pick<GoUrl, 'host' | 'user'> {
  const at = authority.lastIndexOf('@');
  const host = parseHost(authority.slice(at + 1));
  if (at < 0) return { host, user: '' };
  const user = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new Refused('net/url: invalid userinfo');
  const [name = '', ...password] = user.split(':');
  percentDecoded(name, 'user');
  percentDecoded(password.join(':'), 'user');
  return { host, user };
}

function parseHost(host: string): string {
  const open = host.indexOf('[');
  if (open > 0) throw new Refused('invalid IP-literal');
  if (open < 0) {
    const colon = host.indexOf(':');
    if (colon >= 0) checkPort(host.slice(colon));
    return percentDecoded(host, 'host');
  }
  const close = host.lastIndexOf(']');
  if (close < 0) throw new Refused("missing ']' in host");
  checkPort(host.slice(close + 1));
  const zone = host.slice(0, close).indexOf('%25');
  const address =
    zone < 0
      ? percentDecoded(host.slice(1, close), 'host')
      : percentDecoded(host.slice(1, zone), 'host') + percentDecoded(host.slice(zone, close), 'zone');
  const parsed = parseAddress(address);
  if (parsed instanceof IpProblem) throw new Refused(`invalid host: ${parsed.message}`);
  if (parsed.family === 4) throw new Refused('invalid IP-literal');
  return `[${address}]${percentDecoded(host.slice(close + 1), 'host')}`;
}

function checkPort(text: string): void {
  if (!/^(:[0-9]*)?$/.test(text)) throw new Refused(`invalid port ${goQuote(text)} after host`);
}

const inHosts = /[!$&'()*+,;=:[\]<>"A-Za-z0-9\-_.~]/;
/** Characters beyond ASCII may stand in a host. */
const isAscii = (char: string): boolean => char.charCodeAt(0) < 0x80;

/** Decodes `%41`; `+` is a space in a query. */
function percentDecoded(text: string, mode: Mode): string {
  for (const [escaped] of text.matchAll(/%.{0,2}/gs)) {
    if (!/^%[0-9A-Fa-f]{2}$/.test(escaped)) throw new Refused(`invalid URL escape ${goQuote(escaped)}`);
    const byte = Number.parseInt(escaped.slice(1), 16);
    // A host holds no escaped ASCII, but `%25`, which leads a zone.
    if (mode === 'host' && byte < 0x80 && escaped !== '%25') throw invalidEscape(escaped);
    if (mode === 'zone' && escaped !== '%25' && byte !== 0x20 && !isHostByte(byte)) throw invalidEscape(escaped);
  }
  if (mode === 'host' || mode === 'zone') {
    const bad = [...text.replace(/%../g, '')].find((char) => isAscii(char) && !inHosts.test(char));
    if (bad !== undefined) throw new Refused(`invalid character ${goQuote(bad)} in host name`);
  }
  const spaced = mode === 'query' ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? decode(spaced) : spaced;
}

const invalidEscape = (escaped: string) => new Refused(`invalid URL escape ${goQuote(escaped)}`);

const isHostByte = (byte: number): boolean => byte >= 0x80 || inHosts.test(String.fromCharCode(byte));

function decode(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
    fromUtf8.decode(Uint8Array.from(run.match(/[0-9A-Fa-f]{2}/g) ?? [], (hex) => Number.parseInt(hex, 16))),
  );
}

/** Go's own escapes of a path, which leave less as it is than a writer may. */
function escapePath(text: string): string {
  const bytes = utf8.encode(text);
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    if (byte < 0x80 && /[A-Za-z0-9\-_.~$&+,/:;=@]/.test(char)) return char;
    return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** The host without port, and without the brackets of IPv6. */
export function hostnameOf({ host }: GoUrl): string {
  const close = host.indexOf(']');
  if (host.startsWith('[') && close > 0) return host.slice(1, close);
  const colon = host.lastIndexOf(':');
  return colon >= 0 && /^:[0-9]*$/.test(host.slice(colon)) ? host.slice(0, colon) : host;
}

export const portOf = ({ host }: GoUrl): string => /:([0-9]*)$/.exec(host)?.[1] ?? '';

/** The query by key; what cannot be read is left out, as `url.Query` does. */
export function queryOf({ query }: GoUrl): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const pair of query?.split('&') ?? []) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const entry = decodedPair(equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]);
    if (!entry) continue;
    const known = found.get(entry[0]);
    if (known) known.push(entry[1]);
    else found.set(entry[0], [entry[1]]);
  }
  return found;
}

function decodedPair([key, value]: readonly [string, string]): readonly [string, string] | undefined {
  try {
    return [percentDecoded(key, 'query'), percentDecoded(value, 'query')];
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
