import { StatusError } from '@keelson/core';
import type { AuthorizationRequest } from '../registry/contract.ts';

/** The 403 of a request that no authorizer allowed, in Kubernetes' words. */
export function forbidden(request: AuthorizationRequest, reason = ''): StatusError {
  const user = JSON.stringify(request.user.name);
  const because = reason === '' ? '' : `: ${reason}`;
  if (request.resource === undefined) {
    const message = `forbidden: User ${user} cannot ${request.verb} path ${JSON.stringify(request.path ?? '')}${because}`;
    return StatusError.of(403, 'Forbidden', message, {});
  }
  const resource = request.subresource ? `${request.resource}/${request.subresource}` : request.resource;
  // A Namespace counts as being in itself.
  const isOwn = request.resource === 'namespaces' && !request.fieldSelector;
  const namespace = request.namespace || (isOwn ? request.name : undefined);
  const scope = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  const group = request.group ?? '';
  return StatusError.forbidden(
    { group, resource: request.resource },
    request.name ?? '',
    `User ${user} cannot ${request.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${scope}${because}`,
  );
}
