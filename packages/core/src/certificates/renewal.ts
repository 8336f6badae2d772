import { X509Certificate } from 'node:crypto';

/**
 * Whether a certificate (PEM) has a third of its life left or less.
 *
 * @param now milliseconds since the epoch
 */
export const dueForRenewal = (pem: string, now: number): boolean => renewalTime(pem) <= now;

/** When a certificate (PEM) has a third of its life left, in milliseconds since the epoch. */
export function renewalTime(pem: string): number {
  const { validFrom, validTo } = new X509Certificate(pem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return to - (to - from) / 3;
}
