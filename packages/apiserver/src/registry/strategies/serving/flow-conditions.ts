import type { FieldErrors } from '../../strategy.ts';

export function checkFlowConditions(
  conditions: readonly { readonly type?: string }[] | undefined,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  (conditions ?? []).forEach(({ type = '' }, index) => {
    const at = `status.conditions[${index}].type`;
    if (seen.has(type)) errors.duplicate(at, type);
    seen.add(type);
    if (type === '') errors.required(at);
  });
}
