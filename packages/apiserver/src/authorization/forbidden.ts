import { StatusError } from '@keelson/core';
import type { AuthorizationDecision, AuthorizationRequest } from '../registry/contract.ts';

/** The answer to a request that was not allowed: 403 or, where it could not be decided, 500. */
export function notAllowedTo(request: AuthorizationRequest, { reason, error }: AuthorizationDecision): StatusError {
  return error === undefined ? forbidden(request, reason) : StatusError.internal(error);
}

/** The 403 of a request that no authorizer allowed, in Kubernetes' words. */
export function forbidden(request: AuthorizationRequest, reason = ''): StatusError {
  const user = JSON.stringify(request.user.name);
  const because = reason === '' ? '' : `: ${reason}`;
  if (request.resource === undefined) {
    const message = `forbidden: User ${user} cannot ${request.verb} path ${JSON.stringify(request.path ?? '')}${because}`;
    return StatusError.of(403, 'Forbidden', message, {});
  }
  const resource = request.subresource ? `${request.resource}/${request.subresource}` : request.resource;
  const { namespace } = request;
  const scope = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  const group = request.group ?? '';
  return StatusError.forbidden(
    { group, resource: request.resource },
    request.name ?? '',
    `User ${user} cannot ${request.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${scope}${because}`,
  );
}
