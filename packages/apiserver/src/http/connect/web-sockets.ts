import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { StatusError } from '@keelson/core';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

const protocolHeader = 'sec-websocket-protocol';

/** Sub-protocols that a client offers, without the bearer token that browsers put among them. */
export function offeredProtocols(request: IncomingMessage): readonly string[] {
  const offered = String(request.headers[protocolHeader] ?? '').split(',');
  return offered
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('base64url.bearer.authorization.k8s.io.'));
}

export const isWebSocket = (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket';

/**
 * Opens a WebSocket under the sub-protocol `chosen`; one with a slash, which RFC 6455 does not allow and Kubernetes
 * uses for port-forward, is spoken as well. Messages wait until the caller has set its listeners and calls `resume`.
 */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  chosen: string | undefined,
): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024, handleProtocols: () => false });
  delete request.headers[protocolHeader];
  server.on('headers', (headers) => {
    if (chosen !== undefined) headers.push(`Sec-WebSocket-Protocol: ${chosen}`);
  });
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(StatusError.badRequest('the client has gone')));
    server.handleUpgrade(request, socket, head, (accepted) => {
      // Frames that are none, whoever listens by then.
      accepted.on('error', () => accepted.terminate());
      accepted.pause();
      resolve(accepted);
    });
  });
}

export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

/** Resolves when the message has been handed to the network. A reader that has gone is told by `close`. */
export function sendBinary(socket: WebSocket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => socket.send(bytes, { binary: true }, () => resolve()));
}
