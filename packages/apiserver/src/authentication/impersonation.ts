import { StatusError } from '@keelson/core';
import { forbidden } from '../authorization/forbidden.ts';
import type { AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';
import { anonymous, type HttpRequest } from './contract.ts';
import { valuesByKey, valuesOf } from './headers.ts';

const serviceAccountName = /^system:serviceaccount:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?):([a-z0-9][-.a-z0-9]{0,252})$/;
const prefix = 'impersonate-';
const extraPrefix = 'impersonate-extra-';
const authentication = { group: 'authentication.k8s.io', version: 'v1' };

/**
 * Answers who a request is to be handled as: the one who asks or, given the `Impersonate-*` headers and leave to use
 * each of them, somebody else. Rejects with 403 without leave and with 400 without `Impersonate-User`, as Kubernetes does.
 */
export async function impersonate(
  user: UserInfo,
  request: Pick<HttpRequest, 'headers' | 'rawHeaders'>,
  authorizer: Authorizer,
): Promise<UserInfo> {
  if (!asks(request.headers)) return user;
  // An empty one counts as none.
  const name = valuesOf(request, 'impersonate-user')[0] || undefined;
  const groups = valuesOf(request, 'impersonate-group');
  const uid = valuesOf(request, 'impersonate-uid')[0] || undefined;
  const extra = valuesByKey(request, extraPrefix);
  if (name === undefined) {
    if (groups.length === 0 && uid === undefined && extra.size === 0) return user;
    throw withoutUser(groups, uid, extra);
  }
  const [, namespace, account] = serviceAccountName.exec(name) ?? [];
  const asServiceAccount = namespace !== undefined && account !== undefined;
  const checks: Omit<AuthorizationRequest, 'user' | 'verb'>[] = [
    asServiceAccount
      ? { group: '', version: 'v1', resource: 'serviceaccounts', namespace, name: account }
      : { group: '', version: 'v1', resource: 'users', name },
    ...groups.map((each) => ({ group: '', version: 'v1', resource: 'groups', name: each })),
    ...[...extra].flatMap(([subresource, values]) =>
      values.map((value) => ({ ...authentication, resource: 'userextras', subresource, name: value })),
    ),
    ...(uid === undefined ? [] : [{ ...authentication, resource: 'uids', name: uid }]),
  ];
  for (const check of checks) {
    const asked: AuthorizationRequest = { user, verb: 'impersonate', ...check };
    const decision = await authorizer.authorize(asked);
    if (!decision.allowed) throw forbidden(asked, decision.reason);
  }
  const implied = asServiceAccount ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [];
  return {
    name,
    ...(uid !== undefined && { uid }),
    groups: withEveryone(name, groups.length > 0 ? groups : implied),
    ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
  };
}

/** Everybody is in one of two groups; who impersonates says in which, or it follows from the name. */
function withEveryone(name: string, groups: readonly string[]): readonly string[] {
  const everyone = name === anonymous.name ? 'system:unauthenticated' : 'system:authenticated';
  return groups.includes(everyone) || groups.includes('system:unauthenticated') ? groups : [...groups, everyone];
}

function withoutUser(
  groups: readonly string[],
  uid: string | undefined,
  extra: ReadonlyMap<string, readonly string[]>,
): StatusError {
  const asked = [
    ...groups.map((each) => `{Group  ${each}    }`),
    ...[...extra].flatMap(([key, values]) =>
      values.map((value) => `{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`),
    ),
    ...(uid === undefined ? [] : [`{UID  ${uid}  authentication.k8s.io/v1  }`]),
  ];
  return StatusError.badRequest(`requested [${asked.join(' ')}] without impersonating a user`);
}

function asks(headers: HttpRequest['headers']): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true;
  return false;
}
