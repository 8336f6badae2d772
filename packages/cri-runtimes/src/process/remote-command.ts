import type { RawData, WebSocket } from 'ws';

/**
 * Kubernetes' remote command protocol over WebSocket, `v4.channel.k8s.io` and `v5.channel.k8s.io` (KEP-4006): every message
 * begins with the number of its channel.
 */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
export const remoteCommandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** What the far end of a remote command sends. */
export interface RemoteCommandHandlers {
  stdin?(chunk: Buffer): void;
  /** Of `v5` only; before, a client can only go away. */
  stdinEnd?(): void;
  resize?(size: TerminalSize): void;
  /** The far end is gone. */
  gone?(): void;
}

/** The near end of one exec or attach. */
export class RemoteCommand {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, handlers: RemoteCommandHandlers) {
    this.#socket = socket;
    socket.on('message', (data: RawData) => {
      const message = bytesOf(data);
      const [channel] = message;
      const rest = message.subarray(1);
      if (channel === channels.stdin && rest.length > 0) handlers.stdin?.(rest);
      else if (channel === channels.close && rest[0] === channels.stdin) handlers.stdinEnd?.();
      else if (channel === channels.resize) {
        const size = terminalSize(rest);
        if (size !== undefined) handlers.resize?.(size);
      }
    });
    socket.on('close', () => handlers.gone?.());
    socket.on('error', () => socket.terminate());
  }

  /** Resolves when the chunk has been handed to the network, so that a slow reader slows the command. */
  send(channel: 'stdout' | 'stderr' | 'error', chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // A far end that has gone away is told by `gone`.
      this.#socket.send(Buffer.concat([Buffer.from([channels[channel]]), chunk]), { binary: true }, () => resolve());
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says how the command ended and closes. */
  async end(status: object): Promise<void> {
    await this.send('error', Buffer.from(JSON.stringify(status)));
    this.#socket.close(1000);
  }
}

/** The `Status` that tells an exit code, as k8s.io/kubelet's remotecommand writes it. */
export function exitStatus(exitCode: number): object {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: `${exitCode}` }] },
  };
}

export function errorStatus(message: string): object {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}

export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

/** `{"Width":80,"Height":24}`. */
function terminalSize(bytes: Buffer): TerminalSize | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value !== 'object' || value === null || !('Width' in value) || !('Height' in value)) return undefined;
    const { Width: width, Height: height } = value;
    return typeof width === 'number' && typeof height === 'number' && width > 0 && height > 0
      ? { width, height }
      : undefined;
  } catch {
    return undefined;
  }
}
