import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Hands an upgrade request (SPDY/3.1 or WebSocket) to the runtime's streaming server as it came, and from then on every
 * byte both ways: the kubelet does not need to know the protocol.
 *
 * @param url what the runtime answered to Exec, Attach or PortForward
 * @param signal ends the tunnel, whatever still flows
 */
export function tunnelUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  url: string,
  signal: AbortSignal,
): void {
  const target = new URL(url);
  const upstream = connect({ host: target.hostname.replace(/^\[|\]$/g, ''), port: Number(target.port || 80) });
  const close = () => {
    socket.destroy();
    upstream.destroy();
  };
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  upstream.on('error', close);
  socket.on('error', close);
  upstream.once('connect', () => {
    upstream.write(requestHead(request, target));
    if (head.length > 0) upstream.write(head);
    upstream.pipe(socket);
    socket.pipe(upstream);
  });
  upstream.once('close', () => socket.end());
  socket.once('close', () => {
    signal.removeEventListener('abort', close);
    upstream.destroy();
  });
}

function requestHead(request: IncomingMessage, target: URL): string {
  const lines = [`${request.method} ${target.pathname}${target.search} HTTP/1.1`, `Host: ${target.host}`];
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== 'host') lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
