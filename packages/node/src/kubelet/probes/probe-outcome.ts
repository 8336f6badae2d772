/** How one probe ended; `unknown` when it could not be made at all. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'unknown';
  /** What the probed said, or what went wrong. */
  readonly message: string;
}
