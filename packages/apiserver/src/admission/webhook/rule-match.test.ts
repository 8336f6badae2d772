import type { RuleWithOperations } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { type RuleTarget, ruleMatches } from './rule-match.ts';

const rule = (resources: readonly string[], more: Partial<RuleWithOperations> = {}): RuleWithOperations => ({
  operations: ['*'],
  apiGroups: ['*'],
  apiVersions: ['*'],
  resources: [...resources],
  ...more,
});
const target = (resource: string, more: Partial<RuleTarget> = {}): RuleTarget => {
  const [main = '', subresource = ''] = resource.split('/');
  return {
    operation: 'CREATE',
    resource: { group: '', version: 'v1', resource: main },
    subresource,
    namespace: 'default',
    ...more,
  };
};

describe('rules of webhooks', () => {
  it.each([
    ['*', 'pods', true],
    ['*', 'pods/status', false],
    ['*/*', 'pods', true],
    ['*/*', 'pods/status', true],
    ['pods', 'pods', true],
    ['pods', 'pods/status', false],
    ['pods/*', 'pods', true],
    ['pods/*', 'pods/exec', true],
    ['pods/*', 'services/status', false],
    ['pods/status', 'pods', false],
    ['pods/status', 'pods/status', true],
    ['*/scale', 'deployments/scale', true],
    ['*/scale', 'deployments', false],
  ])('%s means %s: %s', (asked, resource, matches) => {
    expect(ruleMatches(rule([asked]), target(resource))).toBe(matches);
  });

  it('look at operation, group and version', () => {
    expect(ruleMatches(rule(['pods'], { operations: ['UPDATE', 'DELETE'] }), target('pods'))).toBe(false);
    expect(ruleMatches(rule(['pods'], { apiGroups: ['apps'] }), target('pods'))).toBe(false);
    expect(ruleMatches(rule(['pods'], { apiVersions: ['v1beta1', 'v1'] }), target('pods'))).toBe(true);
    expect(ruleMatches(rule([]), target('pods'))).toBe(false);
  });

  it('take namespaces for cluster-scoped', () => {
    const scoped = (scope: string) => rule(['*'], { scope });
    expect(ruleMatches(scoped('Cluster'), target('namespaces', { namespace: 'x' }))).toBe(true);
    expect(ruleMatches(scoped('Namespaced'), target('namespaces', { namespace: 'x' }))).toBe(false);
    expect(ruleMatches(scoped('Namespaced'), target('pods'))).toBe(true);
    expect(ruleMatches(scoped('Namespaced'), target('nodes', { namespace: '' }))).toBe(false);
    expect(ruleMatches(scoped('Cluster'), target('nodes', { namespace: '' }))).toBe(true);
    expect(ruleMatches(scoped('Cluster'), target('pods'))).toBe(false);
  });
});
