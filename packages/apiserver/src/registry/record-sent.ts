import { timestamp } from '@keelson/core';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { ObjectDraft } from './draft.ts';

/** Has an object taken down as it was sent: decoded, with defaults, and not touched by anything else. */
export function recordSent({ clock }: RegistryContext, { kind, request }: Call, draft: ObjectDraft): void {
  const { record } = request;
  if (!record) return;
  if (!record.takesRequest) {
    record.sentObject(draft);
    return;
  }
  const sent = structuredClone(draft);
  kind.strategy.defaults?.(sent, () => timestamp(clock));
  record.sentObject(kind.view(sent));
}
