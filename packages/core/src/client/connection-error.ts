/**
 * The request did not get an answer: no connection, or one that was lost. Whether a write took effect is not known.
 * `cause` is the error of the socket.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

export function connectionError(what: string, cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  return new ConnectionError(`${what}: ${describe(cause)}`, { cause });
}

function describe(cause: unknown): string {
  // Node tries every address of a name and collects what came of it, without a message of its own.
  if (cause instanceof AggregateError) return cause.errors.map(describe).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}
