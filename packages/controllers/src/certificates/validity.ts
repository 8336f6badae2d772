/** Clocks differ: a certificate is valid from a little before it was made. */
const backdateMs = 5 * 60_000;
/** From this long on, that little is taken off its end. */
const longMs = 8 * 3_600_000;
const shortestMs = 10 * 60_000;

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * When a certificate signed at `now` is valid, as kube-controller-manager has it; all in milliseconds.
 * @param longestMs how long at most, and where the request does not say
 * @param askedSeconds `expirationSeconds` of the request; less than ten minutes counts as ten
 */
export function validityOf(now: number, longestMs: number, askedSeconds?: number): Validity {
  const asked = askedSeconds === undefined ? longestMs : Math.max(shortestMs, askedSeconds * 1000);
  const lasts = Math.min(longestMs, asked);
  return { notBefore: now - backdateMs, notAfter: now + (lasts < longMs ? lasts : lasts - backdateMs) };
}
