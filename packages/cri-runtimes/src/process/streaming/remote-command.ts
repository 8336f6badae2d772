/** Kubernetes' remote command protocols, the one wanted most first: `v5` (KEP-4006) is `v4` with an end of input. */
export const remoteCommandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** What the far end of a remote command sends. */
export interface RemoteCommandHandlers {
  stdin?(chunk: Buffer): void;
  /** Over WebSocket from `v5` on; before, a client can only go away. */
  stdinEnd?(): void;
  resize?(size: TerminalSize): void;
  /** The far end is gone. */
  gone?(): void;
}

/** The near end of one exec or attach. */
export interface RemoteCommand {
  /** Resolves when the chunk has been handed to the network, so that a slow reader slows the command. */
  send(channel: 'stdout' | 'stderr', chunk: Uint8Array): Promise<void>;
  /** No more input for now. */
  pause(): void;
  resume(): void;
  /** Says how the command ended and closes. */
  end(status: object): Promise<void>;
}

/** Begins to listen: what the far end sent before is kept until then. Called once. */
export type RemoteCommandOpener = (handlers: RemoteCommandHandlers) => RemoteCommand;

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

/** `{"Width":80,"Height":24}`. */
export function terminalSize(bytes: Buffer): TerminalSize | undefined {
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
