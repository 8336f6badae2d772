import type { SchedulingStatus } from '@keelson/core/scheduling';

export type Refusal = Exclude<SchedulingStatus, undefined>;

export function reasonsOf(status: Refusal): readonly string[] {
  if (typeof status === 'string') return [status];
  return 'reasons' in status ? status.reasons : status.code === 'error' ? [status.error.message] : [];
}

/** Whether removing other pods from the node cannot help. */
export function isUnresolvable(status: Refusal): boolean {
  return typeof status === 'object' && status.code === 'unresolvable';
}

export function unresolvable(reason: string): Refusal {
  return { code: 'unresolvable', reasons: [reason] };
}

export function failed(error: unknown): Refusal {
  return { code: 'error', error: error instanceof Error ? error : new Error(String(error)) };
}
