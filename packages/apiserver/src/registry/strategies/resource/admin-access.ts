import { deepEqual, Namespace } from '@keelson/core';
import type { ObjectReader } from '../../../admission/index.ts';
import type { FieldErrors } from '../../strategy.ts';
import type { ClaimSpec, ClaimStatus } from './types.ts';

const label = 'resource.kubernetes.io/admin-access';

/** Devices that are in use are shown to claims in namespaces of administrators only (KEP-5018). */
async function checkNamespace(
  namespace: string | undefined,
  at: string,
  reader: ObjectReader,
  errors: FieldErrors,
): Promise<void> {
  const found = await reader.get(Namespace, namespace ?? '');
  if (found?.metadata.labels?.[label] === 'true') return;
  const why = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
  errors.forbidden(`${at}.adminAccess`, why);
}

/** The field is named as if it stood in a claim's request itself, also in a template. */
export async function checkAdminAccess(
  spec: ClaimSpec | undefined,
  namespace: string | undefined,
  reader: ObjectReader,
  errors: FieldErrors,
): Promise<void> {
  const index = (spec?.devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  if (index >= 0) await checkNamespace(namespace, `spec.devices.requests[${index}]`, reader, errors);
}

/** Of what was allocated before, nothing is asked again. */
export async function checkAdminStatus(
  status: ClaimStatus | undefined,
  old: ClaimStatus | undefined,
  namespace: string | undefined,
  reader: ObjectReader,
  errors: FieldErrors,
): Promise<void> {
  const results = status?.allocation?.devices?.results ?? [];
  const index = results.findIndex(({ adminAccess }) => adminAccess === true);
  if (index < 0 || deepEqual(results, old?.allocation?.devices?.results)) return;
  await checkNamespace(namespace, `status.allocation.devices.results[${index}]`, reader, errors);
}
