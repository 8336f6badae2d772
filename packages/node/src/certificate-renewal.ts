import { X509Certificate } from 'node:crypto';

/**
 * Whether a certificate (PEM) has a third of its life left or less.
 *
 * @param now milliseconds since the epoch
 */
export function dueForRenewal(pem: string, now: number): boolean {
  const { validFrom, validTo } = new X509Certificate(pem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return to - now <= (to - from) / 3;
}
