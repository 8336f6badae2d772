import type { FlowSchema, NonResourcePolicyRule, ResourcePolicyRule } from '@keelson/core';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../registry/contract.ts';

type Spec = NonNullable<FlowSchema['spec']>;
type Rules = NonNullable<Spec['rules']>[number];
type Subject = Rules['subjects'][number];

const any = '*';
const accountPrefix = 'system:serviceaccount:';

/** A list of names in which `*` stands for all of them. */
type Names = ReadonlySet<string> | typeof any;

const namesOf = (list: readonly string[] | undefined): Names => (list?.includes(any) ? any : new Set(list));
const has = (names: Names, name: string) => names === any || names.has(name);

/** The namespace that a request is about, as Kubernetes counts it: a Namespace lies in itself. */
export function namespaceOf(info: RequestInfo): string {
  if (!info.isResource) return '';
  return info.namespace ?? (info.resource === 'namespaces' ? (info.name ?? '') : '');
}

export type RequestTest = (info: RequestInfo) => boolean;

function resourceTest(rule: ResourcePolicyRule): RequestTest {
  const [verbs, groups, resources] = [namesOf(rule.verbs), namesOf(rule.apiGroups), namesOf(rule.resources)];
  const namespaces = namesOf(rule.namespaces);
  const clusterScope = rule.clusterScope === true;
  return (info) => {
    if (!info.isResource || !has(verbs, info.verb) || !has(groups, info.group)) return false;
    if (resources !== any) {
      const { resource, subresource } = info;
      if (!resources.has(subresource === undefined ? resource : `${resource}/${subresource}`)) return false;
    }
    const namespace = namespaceOf(info);
    return namespace === '' ? clusterScope : has(namespaces, namespace);
  };
}

function pathTest(rule: NonResourcePolicyRule): RequestTest {
  const [verbs, urls] = [namesOf(rule.verbs), namesOf(rule.nonResourceURLs)];
  const prefixes = urls === any ? [] : [...urls].filter((each) => each.endsWith(any)).map((each) => each.slice(0, -1));
  return (info) => {
    if (info.isResource || !has(verbs, info.verb)) return false;
    return has(urls, info.path) || prefixes.some((each) => info.path.startsWith(each));
  };
}

/** Whether a request is of one of the rules, whoever asks; undefined where none can match. */
export function requestTest({ resourceRules = [], nonResourceRules = [] }: Rules): RequestTest | undefined {
  const tests = [...resourceRules.map(resourceTest), ...nonResourceRules.map(pathTest)];
  const [only] = tests;
  if (tests.length < 2) return only;
  return (info) => {
    for (const test of tests) if (test(info)) return true;
    return false;
  };
}

/** Under which keys a subject's rules are found; those of a user are made by `keysOf`. */
export function keyOf({ kind, user, group, serviceAccount }: Subject): string | undefined {
  if (kind === 'User') return user?.name === any ? any : `u:${user?.name}`;
  if (kind === 'Group') return group?.name === any ? any : `g:${group?.name}`;
  if (!serviceAccount) return undefined;
  const { namespace, name } = serviceAccount;
  return name === any ? `a:${namespace}` : `u:${accountPrefix}${namespace}:${name}`;
}

/** Calls back with each key under which rules about a user may be found, until it is told to stop by true. */
export function eachKey({ name, groups }: UserInfo, found: (key: string) => void): void {
  found(any);
  found(`u:${name}`);
  for (const group of groups) found(`g:${group}`);
  if (!name.startsWith(accountPrefix)) return;
  const end = name.indexOf(':', accountPrefix.length);
  if (end > 0) found(`a:${name.slice(accountPrefix.length, end)}`);
}
