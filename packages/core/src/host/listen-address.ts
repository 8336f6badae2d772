export interface ListenAddress {
  /** `undefined`: all addresses of the machine. */
  readonly host: string | undefined;
  /** 0: any free one. */
  readonly port: number;
}

const loopback = '127.0.0.1';

/**
 * Where to listen: a port alone is on loopback, `:8080` on all addresses as Go reads it, `host:port` on that one; `true`
 * is the usual port on loopback, `false` and `'0'` nowhere.
 * @throws RangeError when it is none of these
 */
export function listenAddress(said: string | number | boolean, usualPort: number): ListenAddress | undefined {
  if (said === false || said === '0') return undefined;
  if (said === true) return { host: loopback, port: usualPort };
  if (typeof said === 'number') return { host: loopback, port: checked(said, said) };
  if (/^\d+$/.test(said)) return { host: loopback, port: checked(Number(said), said) };
  const [, host, text] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d+)$/.exec(said) ?? [];
  if (host === undefined || text === undefined) throw wrong(said);
  return { host: host === '' ? undefined : host.replace(/^\[|\]$/g, ''), port: checked(Number(text), said) };
}

function checked(port: number, said: string | number): number {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw wrong(said);
  return port;
}

const wrong = (said: string | number) =>
  new RangeError(`${JSON.stringify(said)} is no address to listen on; write 8080, ":8080" or "127.0.0.1:8080"`);
