import { StatusError } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';

/** `pods "web" is forbidden: …` about the object of a request. */
export function refuse({ group, resource, name, object }: AdmissionAttributes, why: string): StatusError {
  return StatusError.forbidden(
    { group, resource },
    name || object?.metadata.name || object?.metadata.generateName || 'Unknown',
    why,
  );
}
