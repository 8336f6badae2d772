import type { CertificateSigningRequest } from '@keelson/core';

export type RequestState = 'pending' | 'approved' | 'issued' | 'denied' | 'failed';

const has = ({ status }: CertificateSigningRequest, type: string) =>
  status?.conditions?.find((each) => each.type === type && each.status !== 'False');

export function stateOf(request: CertificateSigningRequest): RequestState {
  if (has(request, 'Denied')) return 'denied';
  if (has(request, 'Failed')) return 'failed';
  if (!has(request, 'Approved')) return 'pending';
  return request.status?.certificate === undefined ? 'approved' : 'issued';
}

/** `spec.request` and `status.certificate` are base64 of PEM. */
export function pemOf({ spec }: CertificateSigningRequest): string {
  return Buffer.from(spec.request, 'base64').toString();
}

const hour = 3_600_000;
const lifetimes: Readonly<Record<RequestState, number>> = {
  pending: 24 * hour,
  approved: 24 * hour,
  issued: hour,
  denied: hour,
  failed: hour,
};

const conditionOf: Readonly<Partial<Record<RequestState, string>>> = {
  issued: 'Approved',
  denied: 'Denied',
  failed: 'Failed',
};

/** Milliseconds until a request is of no use any more: an hour after it was settled, a day while nobody settles it. */
export function untilStale(request: CertificateSigningRequest, now: number): number {
  const state = stateOf(request);
  const type = conditionOf[state];
  const settled = type === undefined ? undefined : has(request, type)?.lastUpdateTime;
  const since = Date.parse(settled ?? request.metadata.creationTimestamp ?? '');
  return Math.max(0, since + lifetimes[state] - now);
}
