import { isAbsolute } from 'node:path';

/** The kernel's limit for the path of a unix socket, with the closing zero: unix(7). */
export const maxSocketPath = 108;

/**
 * What gRPC dials for `unix:///run/x.sock`, `/run/x.sock`, `tcp://host:port` or `host:port`.
 * @throws Error for anything else
 */
export function grpcTarget(endpoint: string): string {
  const [, scheme = '', rest = ''] = /^(?:([a-z]+):\/\/)?(.+)$/.exec(endpoint) ?? [];
  if (scheme === 'unix' || (scheme === '' && isAbsolute(rest))) {
    if (!isAbsolute(rest)) throw new Error(`${endpoint}: the path of a socket is absolute, as in unix:///run/x.sock`);
    if (Buffer.byteLength(rest) >= maxSocketPath)
      throw new Error(`${endpoint}: the path of a socket has at most 107 bytes`);
    return `unix:${rest}`;
  }
  if ((scheme === '' || scheme === 'tcp') && /^(?:\[[0-9a-fA-F:]+\]|[^:/\s]+):\d+$/.test(rest)) return `dns:${rest}`;
  throw new Error(
    `${endpoint} is not an endpoint such as unix:///run/containerd/containerd.sock or tcp://127.0.0.1:3000`,
  );
}
