import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { PortForwardOpener } from './port-forward.ts';
import { type RemoteCommandHandlers, type RemoteCommandOpener, terminalSize } from './remote-command.ts';

/** Every message begins with the number of its channel. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** A remote command over `v4.channel.k8s.io` or `v5.channel.k8s.io`. The socket is paused until it is opened. */
export function webSocketCommand(socket: WebSocket): RemoteCommandOpener {
  return (handlers) => {
    socket.on('message', (data: RawData) => receive(bytesOf(data), handlers));
    socket.on('close', () => handlers.gone?.());
    socket.on('error', () => socket.terminate());
    socket.resume();
    // A far end that has gone away is told by `gone`.
    const send = (channel: number, chunk: Uint8Array) =>
      new Promise<void>((resolve) => {
        socket.send(Buffer.concat([Buffer.from([channel]), chunk]), { binary: true }, () => resolve());
      });
    return {
      send: (channel, chunk) => send(channels[channel], chunk),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      async end(status) {
        await send(channels.error, Buffer.from(JSON.stringify(status)));
        socket.close(1000);
      },
    };
  };
}

function receive(message: Buffer, handlers: RemoteCommandHandlers): void {
  const rest = message.subarray(1);
  switch (message[0]) {
    case channels.stdin:
      if (rest.length > 0) handlers.stdin?.(rest);
      return;
    case channels.close:
      if (rest[0] === channels.stdin) handlers.stdinEnd?.();
      return;
    case channels.resize: {
      const size = terminalSize(rest);
      if (size !== undefined) handlers.resize?.(size);
      return;
    }
    default:
  }
}

/**
 * A port-forward over `v4.channel.k8s.io`: for each port two channels, 2i for data and 2i+1 for errors, each beginning
 * with the port in little endian. One connection a port.
 */
export function webSocketPortForward(socket: WebSocket, ports: readonly number[]): PortForwardOpener {
  return (accept) => {
    const streams = ports.map((port, index) => {
      const greeting = Buffer.alloc(3);
      greeting.writeUInt16LE(port, 1);
      for (const channel of [2 * index, 2 * index + 1]) {
        greeting.writeUInt8(channel);
        socket.send(Buffer.from(greeting));
      }
      return new ChannelStream(socket, 2 * index);
    });
    socket.on('error', () => socket.terminate());
    socket.on('message', (raw: RawData) => {
      const message = bytesOf(raw);
      const channel = message[0] ?? 1;
      if (channel % 2 !== 0 || streams[channel / 2]?.push(message.subarray(1)) !== false) return;
      socket.pause();
    });
    socket.on('close', () => {
      for (const stream of streams) stream.destroy();
    });
    socket.resume();
    ports.forEach((port, index) => {
      const data = streams[index];
      const fail = (message: string) =>
        socket.send(Buffer.concat([Buffer.from([2 * index + 1]), Buffer.from(message)]), () => socket.close(1000));
      if (data) accept({ port, data, fail });
    });
  };
}

/** One channel of a WebSocket; the socket closes when the pod's side has ended. */
class ChannelStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #channel: number;

  constructor(socket: WebSocket, channel: number) {
    super();
    this.#socket = socket;
    this.#channel = channel;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.from([this.#channel]), chunk]), { binary: true }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close(1000);
    done();
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
