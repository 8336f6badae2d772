import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { SpdyConnection, SpdyStream } from '@keelson/core/streaming';
import type { WebSocket } from 'ws';
import { bytesOf, sendBinary } from './web-sockets.ts';

/** KEP-4006: exec and attach over WebSocket, with a message that closes a channel. */
export const webSocketRemoteCommand = 'v5.channel.k8s.io';
/** What kubelets and container runtimes speak over SPDY/3.1. */
export const spdyRemoteCommand = 'v4.channel.k8s.io';

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Which streams a remote command has: `stdin`, `stdout`, `stderr` and `tty` of the request's query. */
export interface RemoteCommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export function streamsOf(query: URLSearchParams): RemoteCommandStreams {
  const flag = (name: string) => !['', 'false', '0', undefined].includes(query.get(name) ?? undefined);
  const tty = flag('tty');
  // A terminal has one output.
  return { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr') && !tty, tty };
}

/**
 * Joins a client's WebSocket (`v5.channel.k8s.io`) with a kubelet's SPDY connection (`v4.channel.k8s.io`) until the
 * command has ended or either side is gone.
 */
export async function translateRemoteCommand(
  client: WebSocket,
  kubelet: SpdyConnection,
  wanted: RemoteCommandStreams,
): Promise<void> {
  client.once('close', () => kubelet.destroy());
  client.once('error', () => client.terminate());
  try {
    // In the order in which Go's client opens them.
    const error = await open(kubelet, 'error');
    const stdin = wanted.stdin ? await open(kubelet, 'stdin') : undefined;
    const stdout = wanted.stdout ? await open(kubelet, 'stdout') : undefined;
    const stderr = wanted.stderr ? await open(kubelet, 'stderr') : undefined;
    const resize = wanted.tty ? await open(kubelet, 'resize') : undefined;
    listen(client, stdin, resize);
    client.resume();
    const [outcome] = await Promise.all([
      buffer(error),
      stdout && carry(stdout, client, channels.stdout),
      stderr && carry(stderr, client, channels.stderr),
    ]);
    if (outcome.length === 0) throw new Error('the kubelet did not tell how the command ended');
    await sendBinary(client, Buffer.concat([Buffer.from([channels.error]), outcome]));
    client.close(1000);
  } catch (failure) {
    await failRemoteCommand(client, failure);
  } finally {
    kubelet.close();
  }
}

/** Tells the client over the error channel why there will be no command, and closes. */
export async function failRemoteCommand(client: WebSocket, failure: unknown): Promise<void> {
  const reason = failure instanceof Error ? failure.message : String(failure);
  const status = {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${reason}`,
    reason: 'InternalError',
    details: { causes: [{ message: reason }] },
    code: 500,
  };
  client.resume();
  await sendBinary(client, Buffer.concat([Buffer.from([channels.error]), Buffer.from(JSON.stringify(status))]));
  client.close(1000);
}

async function open(kubelet: SpdyConnection, streamType: string): Promise<SpdyStream> {
  const stream = await kubelet.open({ streamtype: streamType });
  // What breaks is told by the end of the streams that are read.
  stream.on('error', () => stream.destroy());
  if (streamType !== 'stdin' && streamType !== 'resize') stream.end();
  return stream;
}

function listen(client: WebSocket, stdin: SpdyStream | undefined, resize: SpdyStream | undefined): void {
  for (const event of ['drain', 'close']) stdin?.on(event, () => client.resume());
  client.on('message', (data) => {
    const message = bytesOf(data);
    const rest = message.subarray(1);
    switch (message[0]) {
      case channels.stdin:
        if (!stdin || stdin.destroyed || rest.length === 0 || stdin.write(rest)) return;
        client.pause();
        return;
      case channels.resize:
        if (rest.length > 0 && !resize?.destroyed) resize?.write(rest);
        return;
      case channels.close:
        if (rest[0] === channels.stdin) stdin?.end();
        return;
      default:
    }
  });
}

async function carry(from: Readable, to: WebSocket, channel: number): Promise<void> {
  const prefix = Buffer.from([channel]);
  for await (const chunk of from) await sendBinary(to, Buffer.concat([prefix, chunk as Buffer]));
}
