import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkPolicy } from './auditor.ts';
import { PolicyRules } from './policy-rules.ts';

// What kube-apiserver v1.35.4 says at its start to policies that are wrong.
const refused = readFileSync(new URL('refused-policies.test-data.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => z.object({ error: z.string() }).catchall(z.json()).parse(JSON.parse(line)));

const policy = (content: object) => ({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...content });

describe('an audit policy', () => {
  it.each(refused)('is refused in the words of Kubernetes: $error', ({ error, ...content }) => {
    expect(() => checkPolicy(policy(content), 'policy.yaml')).toThrow(`policy.yaml: ${error}`);
  });

  const rules = new PolicyRules(
    checkPolicy(
      policy({
        omitStages: ['RequestReceived'],
        rules: [
          { level: 'None', nonResourceURLs: ['/healthz*', '/version'] },
          { level: 'None', users: ['kubelet'], verbs: ['get', 'watch'] },
          { level: 'Request', resources: [{ group: '', resources: ['pods/*'] }], omitStages: ['Panic'] },
          { level: 'Metadata', resources: [{ group: '', resources: ['*/status'] }] },
          { level: 'RequestResponse', resources: [{ group: 'apps', resources: ['*'], resourceNames: ['mine'] }] },
          { level: 'Metadata', namespaces: [''], omitManagedFields: true },
          { level: 'Request', userGroups: ['dev'], namespaces: ['team'] },
        ],
      }),
      'policy',
    ),
  );
  const user = { name: 'jane', groups: ['dev'] };
  const core = { group: '', resource: 'pods', namespace: 'team' };

  it.each([
    [{ verb: 'get', path: '/healthz/etcd' }, 'None'],
    [{ verb: 'get', path: '/metrics' }, 'None'],
    [
      { verb: 'get', path: '', resource: { ...core, subresource: 'log' }, user: { name: 'kubelet', groups: [] } },
      'None',
    ],
    [{ verb: 'get', path: '', resource: { ...core, subresource: 'log' } }, 'Request'],
    [{ verb: 'get', path: '', resource: core, user }, 'Request'],
    [{ verb: 'get', path: '', resource: { ...core, resource: 'services' }, user }, 'Request'],
    [{ verb: 'update', path: '', resource: { ...core, resource: 'services', subresource: 'status' } }, 'Metadata'],
    [
      { verb: 'get', path: '', resource: { group: 'apps', resource: 'x', namespace: 'y', name: 'mine' } },
      'RequestResponse',
    ],
    [{ verb: 'get', path: '', resource: { group: 'apps', resource: 'x', namespace: 'y', name: 'yours' } }, 'None'],
    [{ verb: 'list', path: '', resource: { group: '', resource: 'nodes' } }, 'Metadata'],
  ])('takes %o down at the level %s', (request, level) => {
    expect(rules.of(request).level).toBe(level);
  });

  it('leaves out stages of the policy and of the rule', () => {
    const config = rules.of({ verb: 'get', path: '', resource: { ...core, subresource: 'log' } });
    expect([...config.omitStages].sort()).toEqual(['Panic', 'RequestReceived']);
    expect(config.omitManagedFields).toBe(false);
    expect(rules.of({ verb: 'list', path: '', resource: { group: '', resource: 'nodes' } }).omitManagedFields).toBe(
      true,
    );
  });
});
