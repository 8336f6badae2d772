import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '@keelson/core';
import { forbidden } from '../authorization/forbidden.ts';
import type { AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';

const serviceAccountName = /^system:serviceaccount:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?):([a-z0-9][-.a-z0-9]{0,252})$/;
const extraPrefix = 'impersonate-extra-';

/**
 * Answers who a request is to be handled as: the one who asks or, given the `Impersonate-*` headers and leave to use
 * each of them, somebody else. Rejects with 403 without leave and with 400 without `Impersonate-User`, as Kubernetes does.
 */
export function impersonate(user: UserInfo, headers: IncomingHttpHeaders, authorizer: Authorizer): UserInfo {
  if (!asks(headers)) return user;
  const name = single(headers['impersonate-user']);
  const groups = list(headers['impersonate-group']);
  const uid = single(headers['impersonate-uid']);
  const extraNames = Object.keys(headers).filter((each) => each.startsWith(extraPrefix));
  if (name === undefined) {
    if (groups.length === 0 && uid === undefined && extraNames.length === 0) return user;
    const asked = [
      ...groups.map((each) => `{Group  ${each}    }`),
      ...extraNames.flatMap((each) =>
        list(headers[each]).map(
          (value) => `{UserExtra  ${value}  authentication.k8s.io/v1  ${unescaped(each.slice(extraPrefix.length))}}`,
        ),
      ),
      ...(uid === undefined ? [] : [`{UID  ${uid}  authentication.k8s.io/v1  }`]),
    ];
    throw StatusError.badRequest(`requested [${asked.join(' ')}] without impersonating a user`);
  }
  const extra = Object.fromEntries(
    extraNames.map((each) => [unescaped(each.slice(extraPrefix.length)), list(headers[each])]),
  );
  const [, namespace, account] = serviceAccountName.exec(name) ?? [];
  const asServiceAccount = namespace !== undefined && account !== undefined;
  const checks: Omit<AuthorizationRequest, 'user' | 'verb'>[] = [
    asServiceAccount
      ? { group: '', version: 'v1', resource: 'serviceaccounts', namespace, name: account }
      : { group: '', version: 'v1', resource: 'users', name },
    ...groups.map((each) => ({ group: '', version: 'v1', resource: 'groups', name: each })),
    ...(uid === undefined ? [] : [{ group: 'authentication.k8s.io', version: 'v1', resource: 'uids', name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({
        group: 'authentication.k8s.io',
        version: 'v1',
        resource: 'userextras',
        subresource: key,
        name: value,
      })),
    ),
  ];
  for (const check of checks) {
    const request: AuthorizationRequest = { user, verb: 'impersonate', ...check };
    const decision = authorizer.authorize(request);
    if (!decision.allowed) throw forbidden(request, decision.reason);
  }
  const implied = asServiceAccount ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [];
  const all = groups.length > 0 ? groups : implied;
  const everyone = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  return {
    name,
    ...(uid !== undefined && { uid }),
    groups: all.includes(everyone) || all.includes('system:unauthenticated') ? all : [...all, everyone],
    ...(extraNames.length > 0 && { extra }),
  };
}

/** Keys are escaped where a header's name could not hold them; one that is not stands for itself. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function asks(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

function single(value: string | readonly string[] | undefined): string | undefined {
  const first = typeof value === 'string' ? value : value?.[0];
  return first === '' ? undefined : first;
}

/** Repeated headers arrive joined by a comma over HTTP/1.1 and HTTP/2 alike. */
function list(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  return (typeof value === 'string' ? value.split(',') : [...value])
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
