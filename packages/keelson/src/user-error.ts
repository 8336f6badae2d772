/** A failure that the user can mend: printed as it is, in one line or a list of lines, without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** What a failed start is to its user: one line that says what to do where we know it, else the error as it came. */
export function explainStartFailure(error: unknown): Error {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof UserError) return cause;
    const { code, port } = cause as NodeJS.ErrnoException & { readonly port?: number };
    if (code === 'EADDRINUSE')
      return new UserError(`port ${port ?? ''} is taken; choose another with --port, or --port 0 for a free one`);
    if (code === 'EACCES' && port !== undefined)
      return new UserError(`port ${port} needs more rights; choose one above 1023 with --port`);
    if (cause.name === 'StorageOpenError' && 'kind' in cause && cause.kind === 'locked')
      return new UserError(
        `${cause.message}; stop it with \`keelson down\`, or choose another directory with --data-dir`,
      );
    if (cause.name === 'StorageOpenError') return new UserError(cause.message);
  }
  return error instanceof Error ? error : new Error(String(error));
}
