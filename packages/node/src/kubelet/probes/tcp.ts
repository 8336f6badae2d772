import { connect } from 'node:net';

/** Resolves once a connection is open (and closed again); rejects in the words of a kubelet. */
export function connectTcp(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error) => {
      socket.destroy();
      reject(error);
    });
  });
}

/** The system's words for a failed connection, as Go prints them: what people search for. */
export function dialError(error: unknown, host: string, port: number | string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'connect: connection timed out',
    ABORT_ERR: 'i/o timeout',
  };
  return `dial tcp ${address}: ${words[code] ?? (error instanceof Error ? error.message : String(error))}`;
}
