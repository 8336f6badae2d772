import type { Outcome } from './base.ts';

const chance = new Set([
  'uid',
  'authentication.kubernetes.io/credential-id',
  'creationTimestamp',
  'resourceVersion',
  'managedFields',
  'lastPhaseTransitionTime',
]);

interface StatusLike {
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly { readonly field?: string; readonly message?: string; readonly reason?: string }[];
  };
}

export function outcomeOf(code: number, answer: unknown, warnings: readonly string[]): Outcome {
  const said = { ...(warnings.length > 0 && { warnings }) };
  if (code < 300) return { code, ...said, object: answer };
  const { reason, message, details } = answer as StatusLike;
  return {
    code,
    ...said,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message: steady(message) }),
    ...(details?.causes && {
      causes: details.causes.map((each) => steady(`${each.reason} ${each.field}: ${each.message}`)),
    }),
  };
}

const steady = (text: string) =>
  text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replaceAll(/"(resourceVersion|ResourceVersion)":"\d+"/g, '"$1":"N"')
    .replaceAll(/"managedFields":\[.*?\}\}\}\],?|"managedFields":\[.*?\]\}\],?/g, '');

/** What is the same each time of an answer: without what the server makes up by chance or reads off the clock. */
export function comparable(outcome: Outcome): Outcome {
  return 'object' in outcome ? { ...outcome, object: stable(outcome.object) } : outcome;
}

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable);
  if (typeof value === 'string') return steady(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !chance.has(key))
      .map(([key, each]) => [key, stable(each)]),
  );
}
