import type { Duplex } from 'node:stream';
import type { Clock } from '@keelson/core/plugin';
import { SpdyConnection, type SpdyStream } from '@keelson/core/streaming';
import type { PortForwardOpener } from './port-forward.ts';
import { type RemoteCommandHandlers, type RemoteCommandOpener, terminalSize } from './remote-command.ts';

/** Which streams the client of a remote command is to open besides `error`. */
export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

const streamCreationMs = 30_000;

/**
 * A remote command over SPDY/3.1, `v4.channel.k8s.io`: a stream each for error, stdin, stdout, stderr and resize. Resolves
 * once the client has opened them. Rejects when it does not within 30 s.
 */
export async function spdyCommand(socket: Duplex, wanted: WantedStreams, clock: Clock): Promise<RemoteCommandOpener> {
  const names = ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((each) => wanted[each])];
  if (wanted.tty) names.push('resize');
  const streams = new Map<string, SpdyStream>();
  let complete: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const connection = new SpdyConnection(socket, {
    role: 'server',
    maxStreams: 8,
    onStream(stream) {
      stream.on('error', () => stream.destroy());
      streams.set(stream.headers['streamtype'] ?? '', stream);
      if (names.every((each) => streams.has(each))) complete();
    },
  });
  const late = clock.after(streamCreationMs, () => connection.destroy());
  const open = await Promise.race([all.then(() => true), connection.closed.then(() => false)]);
  late();
  if (!open) throw new Error('the client did not open its streams');
  return (handlers) => command(connection, streams, handlers);
}

function command(
  connection: SpdyConnection,
  streams: ReadonlyMap<string, SpdyStream>,
  handlers: RemoteCommandHandlers,
): ReturnType<RemoteCommandOpener> {
  const stdin = streams.get('stdin');
  stdin?.on('data', (chunk: Buffer) => handlers.stdin?.(chunk));
  stdin?.on('end', () => handlers.stdinEnd?.());
  streams.get('resize')?.on('data', (chunk: Buffer) => {
    const size = terminalSize(chunk);
    if (size !== undefined) handlers.resize?.(size);
  });
  let ended = false;
  connection.closed.then(() => handlers.gone?.());
  const write = (stream: SpdyStream | undefined, chunk: Uint8Array) =>
    new Promise<void>((resolve) => {
      if (!stream || stream.destroyed) resolve();
      else stream.write(chunk, () => resolve());
    });
  const finish = (stream: SpdyStream | undefined) =>
    new Promise<void>((resolve) => {
      if (!stream || stream.destroyed) resolve();
      else stream.end(() => resolve());
    });
  return {
    send: (channel, chunk) => write(streams.get(channel), chunk),
    pause: () => void stdin?.pause(),
    resume: () => void stdin?.resume(),
    async end(status) {
      if (ended) return;
      ended = true;
      await write(streams.get('error'), Buffer.from(JSON.stringify(status)));
      await Promise.all(['stdout', 'stderr', 'error'].map((each) => finish(streams.get(each))));
      connection.close();
    },
  };
}

/** A port-forward over SPDY/3.1: for each connection a stream of errors and one of data, joined by their `requestID`. */
export function spdyPortForward(socket: Duplex): PortForwardOpener {
  return (accept) => {
    const errors = new Map<string, SpdyStream>();
    new SpdyConnection(socket, {
      role: 'server',
      onStream(stream) {
        stream.on('error', () => stream.destroy());
        const { streamtype, requestid = '', port } = stream.headers;
        if (streamtype === 'error') {
          errors.set(requestid, stream);
          stream.once('close', () => errors.delete(requestid));
          // Nothing is said on it by the client, but its end is.
          stream.resume();
          return;
        }
        const error = errors.get(requestid);
        if (streamtype !== 'data' || !error || !/^\d+$/.test(port ?? '')) return void stream.destroy();
        stream.once('close', () => error.end());
        accept({
          port: Number(port),
          data: stream,
          fail(message) {
            error.end(message);
            stream.destroy();
          },
        });
      },
    });
  };
}
