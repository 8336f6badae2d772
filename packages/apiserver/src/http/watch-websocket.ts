import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@keelson/core';
import { type WebSocket, WebSocketServer } from 'ws';
import { protobufMediaType } from './protobuf/envelope.ts';
import { framesOf, type WatchOutput } from './watch-stream.ts';

const slowClientMs = 30_000;
/** How much may wait in a socket before its client must have read on. */
const buffered = 256 * 1024;
/** Clients of a watch have nothing to say; what they say is thrown away. */
const maxPayload = 64 * 1024;
/** Carries a token where a browser can send no header, and is no protocol. */
const tokenPrefix = 'base64url.bearer.authorization.k8s.io.';

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload,
  handleProtocols: (protocols) => protocols.values().next().value ?? false,
});

/** Whether a request asks for a WebSocket (RFC 6455, 4.2.1). */
export function wantsWebSocket({ headers, method }: IncomingMessage): boolean {
  const upgrade = /\bupgrade\b/i.test(String(headers.connection ?? ''));
  return method === 'GET' && upgrade && headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * The code with which Kubernetes refuses a WebSocket of a watch: 403 without an Origin that is a URL, 400 for more than
 * one sub-protocol. `undefined`: it is welcome. Any one sub-protocol is agreed to.
 */
export function refusesWebSocket({ headers }: IncomingMessage): 400 | 403 | undefined {
  const { origin } = headers;
  if (typeof origin !== 'string' || !URL.canParse(origin)) return 403;
  return protocolsOf(headers['sec-websocket-protocol']).length > 1 ? 400 : undefined;
}

function protocolsOf(header: string | undefined): readonly string[] {
  const all = (header ?? '').split(',').map((each) => each.trim());
  return all.filter((each) => each !== '' && !each.startsWith(tokenPrefix));
}

/** A watch as messages, one an event: text for JSON, binary for protobuf. Ends with close code 1000. */
export async function watchOverWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  watch: WatchOutput,
): Promise<void> {
  const protocols = protocolsOf(request.headers['sec-websocket-protocol']);
  if (protocols.length > 0) request.headers['sec-websocket-protocol'] = protocols.join(', ');
  else delete request.headers['sec-websocket-protocol'];
  const client = await new Promise<WebSocket | undefined>((resolve) => {
    socket.once('close', () => resolve(undefined));
    server.handleUpgrade(request, socket, head, resolve);
  });
  // Refused in the handshake.
  if (!client) return;
  const gone = new AbortController();
  client.once('close', () => gone.abort());
  client.on('error', () => client.terminate());
  client.on('message', () => undefined);
  const signal = AbortSignal.any([gone.signal, watch.signal]);
  const binary = watch.mediaType === protobufMediaType;
  try {
    for await (const frames of framesOf({ ...watch, signal })) {
      for (const frame of frames) {
        if (client.readyState !== client.OPEN) return;
        // A message knows its own length.
        client.send(binary ? frame.subarray(4) : frame, { binary });
      }
      if (client.bufferedAmount > buffered && !(await flushed(socket, { clock: watch.clock, signal }))) {
        client.terminate();
        return;
      }
    }
  } finally {
    client.close(1000);
  }
}

/** Whether the client read on in time. */
function flushed(socket: Duplex, options: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<boolean> {
  if (!socket.writableNeedDrain) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (readOn: boolean) => {
      cancel();
      socket.off('drain', onDrain);
      options.signal.removeEventListener('abort', onAbort);
      resolve(readOn);
    };
    const onDrain = () => done(true);
    const onAbort = () => done(false);
    const cancel = options.clock.after(slowClientMs, () => done(false));
    socket.once('drain', onDrain);
    options.signal.addEventListener('abort', onAbort, { once: true });
  });
}
