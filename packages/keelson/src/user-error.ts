/** A failure that the user can mend: printed as it is, in one line or a list of lines, without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}
