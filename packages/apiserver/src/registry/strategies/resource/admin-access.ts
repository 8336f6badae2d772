import { Namespace } from '@keelson/core';
import type { ObjectReader } from '../../../admission/index.ts';
import type { FieldErrors } from '../../strategy.ts';
import type { ClaimSpec } from './types.ts';

const label = 'resource.kubernetes.io/admin-access';

/** Devices that are in use are shown to claims in namespaces of administrators only (KEP-5018). */
export async function checkAdminAccess(
  spec: ClaimSpec | undefined,
  namespace: string | undefined,
  at: string,
  reader: ObjectReader,
  errors: FieldErrors,
): Promise<void> {
  const index = (spec?.devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  if (index < 0) return;
  const found = await reader.get(Namespace, namespace ?? '');
  if (found?.metadata.labels?.[label] === 'true') return;
  const why = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
  errors.forbidden(`${at}.devices.requests[${index}].adminAccess`, why);
}
