import { Namespace, StatusError } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import type { ObjectReader } from './object-reader.ts';

const known = new WeakMap<AdmissionAttributes, Promise<Namespace>>();

/**
 * The Namespace of a request, read once for all who ask; `name` is the same for all of one request. Rejects with NotFound
 * where there is none.
 */
export function namespaceInRequest(
  attributes: AdmissionAttributes,
  name: string,
  reader: ObjectReader,
): Promise<Namespace> {
  let found = known.get(attributes);
  if (!found) {
    found = read(name, reader);
    known.set(attributes, found);
  }
  return found;
}

async function read(name: string, reader: ObjectReader): Promise<Namespace> {
  const found = await reader.get(Namespace, name);
  if (!found) throw StatusError.notFound({ group: '', resource: 'namespaces' }, name);
  return found;
}
