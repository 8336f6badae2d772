import { describe, expect, it } from 'vitest';
import { Website } from '../../test/website-operator.ts';
import { ConfigMap, Deployment, Namespace, Pod, Secret, Service } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { StatusError } from '../machinery/index.ts';
import { DeclaredAccess, type Graph, leastPrivilege } from './declared-access.ts';

const graph = (more: Partial<Graph> = {}): Graph => ({
  for: Website,
  owns: [Deployment, Service],
  references: [],
  uses: [],
  rules: [],
  crd: undefined,
  ...more,
});
const events = { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] };
const whole = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

describe('leastPrivilege', () => {
  it('follows from what an operator is for, owns, refers to and uses', () => {
    const uses = [
      Namespace,
      { type: Pod, verbs: ['create' as const], subresources: ['eviction'] },
      { type: Deployment, verbs: ['update' as const] },
    ];
    expect(leastPrivilege(graph({ references: [Secret], uses, crd: 'websites.example.com' }))).toEqual([
      { apiGroups: ['example.com'], resources: ['websites'], verbs: ['get', 'list', 'watch', 'patch'] },
      { apiGroups: ['example.com'], resources: ['websites/status'], verbs: ['patch'] },
      { apiGroups: ['example.com'], resources: ['websites/finalizers'], verbs: ['update'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: [...whole, 'update'] },
      { apiGroups: [''], resources: ['services'], verbs: whole },
      { apiGroups: [''], resources: ['secrets', 'namespaces'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
      events,
      { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['create'] },
      {
        apiGroups: ['apiextensions.k8s.io'],
        resources: ['customresourcedefinitions'],
        resourceNames: ['websites.example.com'],
        verbs: ['get', 'list', 'watch', 'update', 'patch'],
      },
    ]);
  });

  it('keeps rules that were given, with what they add to others', () => {
    const rules = [
      { nonResourceURLs: ['/version'], verbs: ['get'] },
      { apiGroups: [''], resources: ['services'], verbs: ['update'] },
    ];
    const all = leastPrivilege(graph({ owns: [Service], rules }));
    expect(all).toContainEqual({ nonResourceURLs: ['/version'], verbs: ['get'] });
    expect(all).toContainEqual({ apiGroups: [''], resources: ['services'], verbs: [...whole, 'update'] });
  });
});

describe('DeclaredAccess', () => {
  const sent: string[] = [];
  const client = createClient({
    async request({ verb, resource, subresource }) {
      sent.push(`${verb} ${resource}${subresource ? `/${subresource}` : ''}`);
      return { metadata: { name: 'x' } };
    },
    // biome-ignore lint/correctness/useYield: nothing is watched
    async *watch() {
      throw StatusError.methodNotAllowed('watch');
    },
    raw: () => Promise.reject(StatusError.methodNotAllowed('raw')),
  });
  const of = (more: Partial<Graph>) => new DeclaredAccess('website', leastPrivilege(graph(more))).client(client);
  const ref = { name: 'x', namespace: 'default' };

  it('lets pass what is declared, and says which line is missing for all else', async () => {
    const own = of({
      uses: [
        { type: ConfigMap, verbs: ['create', 'get'] },
        { type: Pod, verbs: ['patch'], subresources: ['resize'] },
      ],
    });
    await own.create(ConfigMap, { metadata: ref });
    await own.get(ConfigMap, ref);
    await own.patch(Deployment, ref, { merge: {} });
    await own.patch(Website, ref, { merge: {} }, { subresource: 'status' });
    await own.patch(Pod, ref, { merge: {} }, { subresource: 'resize' });
    expect(sent).toEqual([
      'create configmaps',
      'get configmaps',
      'patch deployments',
      'patch websites/status',
      'patch pods/resize',
    ]);
    const missing = (what: string, line: string) =>
      `the operator "website" has not declared that it may ${what}: add ${line} to its \`uses\``;
    await expect(own.delete(ConfigMap, ref)).rejects.toThrow(
      missing('delete configmaps', "{ type: ConfigMap, verbs: ['delete'] }"),
    );
    await expect(own.patch(Pod, ref, { merge: {} })).rejects.toThrow(
      missing('patch pods', "{ type: Pod, verbs: ['patch'] }"),
    );
    await expect(own.createSubresource(Pod, ref, 'eviction', {})).rejects.toThrow(
      missing('create pods/eviction', "{ type: Pod, verbs: ['create'], subresources: ['eviction'] }"),
    );
    expect(sent.length).toBe(5);
  });

  it('says what is missing where an apply would have to create, which only the server can know', async () => {
    const forbidden = createClient({
      request: () => Promise.reject(StatusError.of(403, 'Forbidden', 'User "x" cannot create resource "secrets"')),
      // biome-ignore lint/correctness/useYield: nothing is watched
      async *watch() {
        throw StatusError.methodNotAllowed('watch');
      },
      raw: () => Promise.reject(StatusError.methodNotAllowed('raw')),
    });
    const applies = (verbs: readonly ('patch' | 'create')[]) =>
      new DeclaredAccess('website', leastPrivilege(graph({ uses: [{ type: Secret, verbs }] })))
        .client(forbidden)
        .patch(Secret, ref, { apply: {}, fieldManager: 'x' });
    await expect(applies(['patch'])).rejects.toThrow(
      `User "x" cannot create resource "secrets": what is applied is created where it is not there; declare { type: Secret, verbs: ['patch', 'create'] } in the \`uses\` of "website"`,
    );
    await expect(applies(['patch', 'create'])).rejects.toThrow(/resource "secrets"$/);
  });

  it('understands rules with asterisks, and leaves names to the server', async () => {
    const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
    await of({ rules: [everything] }).deleteCollection(Secret, { namespace: 'default' });
    const scales = { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['patch'], resourceNames: ['x'] };
    await of({ rules: [scales] }).patch(Deployment, ref, { merge: {} }, { subresource: 'scale' });
    await expect(of({ rules: [scales] }).update(Deployment, { metadata: ref, spec: {} } as Deployment)).rejects.toThrow(
      'update deployments',
    );
  });
});
