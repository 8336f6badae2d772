import { readFileSync } from 'node:fs';
import { type ApiRequest, isStatusError, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResourceRegistry } from '../../registry/index.ts';
import { MemoryStorage } from '../../storage/memory-storage.ts';

interface Told {
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  readonly warnings: readonly string[];
}

interface Recorded {
  readonly name: string;
  readonly policyName: string;
  readonly policy: object;
  readonly binding: object;
  /** Where the policy itself was refused. */
  readonly refused?: Told;
  /** To a Deployment. */
  readonly answer?: Told;
}

/** What a real API server (v1.35.4) said: a policy and its binding a line, and its answer to a Deployment of 5 replicas. */
const recorded = readFileSync(new URL('recorded-answers.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line): Recorded => JSON.parse(line));

const admission = { group: 'admissionregistration.k8s.io', version: 'v1' };
const admin = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', labels: { a: 'b' } },
  spec: {
    replicas: 5,
    selector: { matchLabels: { x: 'y' } },
    template: { metadata: { labels: { x: 'y' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
  },
};

describe('ValidatingAdmissionPolicies', () => {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  const tell = async (request: ApiRequest): Promise<Told> => {
    try {
      const answer = await registry.handle(request, admin);
      const warnings = 'warnings' in answer ? (answer.warnings ?? []) : [];
      return { code: 200, warnings: warnings.map((each) => JSON.stringify(each)) };
    } catch (error) {
      if (!isStatusError(error)) throw error;
      const { code, reason, message } = error;
      return { code, reason, message, warnings: [] };
    }
  };
  const make = (resource: string, body: { readonly metadata: { readonly name: string } }) =>
    tell({ ...admission, resource, verb: 'create', body });
  const remove = (resource: string, name: string) => tell({ ...admission, resource, verb: 'delete', name });

  beforeAll(async () => {
    const core = { group: '', version: 'v1', verb: 'create' } as const;
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'polns', labels: { pol: 'yes' } } };
    await registry.handle({ ...core, resource: 'namespaces', body: namespace }, admin);
    for (const [name, labels] of [
      ['kube-root-ca.crt', {}],
      ['par', { p: '1' }],
    ] as const) {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { max: '3' } };
      await registry.handle({ ...core, resource: 'configmaps', namespace: 'polns', body }, admin);
    }
  });
  afterAll(() => registry.close());

  it.each(recorded)('$name', async ({ policyName: name, policy, binding, refused, answer }) => {
    const kind = 'ValidatingAdmissionPolicy';
    const apiVersion = 'admissionregistration.k8s.io/v1';
    const made = await make('validatingadmissionpolicies', {
      ...{ apiVersion, kind },
      ...{ metadata: { name }, spec: policy },
    });
    if (refused) {
      expect(made).toEqual(refused);
      return;
    }
    expect(made).toEqual({ code: 200, warnings: [] });
    await make('validatingadmissionpolicybindings', {
      ...{ apiVersion, kind: `${kind}Binding` },
      ...{ metadata: { name: `${name}-b` }, spec: binding },
    });
    const target = {
      group: 'apps',
      version: 'v1',
      resource: 'deployments',
      namespace: 'polns',
      verb: 'create',
    } as const;
    const options = { dryRun: ['All'] };
    expect(await tell({ ...target, body: deployment, options })).toEqual(answer);
    await remove('validatingadmissionpolicybindings', `${name}-b`);
    await remove('validatingadmissionpolicies', name);
  });

  it('names who is nobody yet, or everybody', async () => {
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };
    const matchConstraints = { namespaceSelector: { matchLabels: { pol: 'yes' } }, resourceRules: [rule] };
    const spec = { matchConstraints, validations: [{ expression: 'false', message: 'no' }] };
    await make('validatingadmissionpolicies', { metadata: { name: 'all' }, spec } as { metadata: { name: string } });
    const binding = { metadata: { name: 'all' }, spec: { policyName: 'all', validationActions: ['Deny'] } };
    await make('validatingadmissionpolicybindings', binding);
    const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'polns' } as const;
    const denied = "is forbidden: ValidatingAdmissionPolicy 'all' with binding 'all' denied request: no";
    const options = { labelSelector: 'p=1' };
    expect((await tell({ ...configMaps, verb: 'deletecollection', options })).message).toBe(
      `configmaps "Unknown" ${denied}`,
    );
    const body = { metadata: { generateName: 'some-' } };
    expect((await tell({ ...configMaps, verb: 'create', body })).message).toMatch(
      /^configmaps "some-[a-z0-9]{5}" is forbidden: /,
    );
    await remove('validatingadmissionpolicybindings', 'all');
    await remove('validatingadmissionpolicies', 'all');
  });
});
