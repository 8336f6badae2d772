import { StatusError } from '@keelson/core';
import type { Call } from './admission-chain.ts';
import type { ListAnswer } from './contract.ts';
import { selectionFor } from './read-objects.ts';

/**
 * Kubernetes asks its own parts for their health when somebody reads these (deprecated since v1.19), and stores none:
 * lists have no version. The parts of this control plane are no servers that could be asked, so there are none.
 */
export function listComponentStatuses({ kind, request }: Call): ListAnswer {
  selectionFor(kind, request);
  return { apiVersion: kind.apiVersion, kind: kind.served.listKind, metadata: {}, items: [] };
}

/** Throws NotFound, which names the kind and not the resource. */
export function getComponentStatus({ request }: Call): never {
  throw StatusError.notFound({ group: '', resource: 'componentstatus' }, request.name ?? '');
}

export const isComponentStatus = ({ kind }: Call): boolean =>
  kind.names.group === '' && kind.names.resource === 'componentstatuses';
