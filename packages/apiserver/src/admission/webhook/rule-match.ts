import type { RuleWithOperations } from '@keelson/core';
import type { AdmissionAttributes, ObjectForm } from '@keelson/core/admission';

/** What rules are matched against. */
export interface RuleTarget {
  readonly operation: AdmissionAttributes['operation'];
  readonly resource: ObjectForm['resource'];
  readonly subresource: string;
  /** Of the request; of a Namespace its own name. */
  readonly namespace: string;
}

/** Whether a rule of a webhook or policy means a request (`admissionregistration.k8s.io/v1` RuleWithOperations). */
export function ruleMatches(rule: RuleWithOperations, target: RuleTarget): boolean {
  const { resource } = target;
  return (
    scopeMatches(rule.scope, target) &&
    listed(rule.operations, target.operation) &&
    listed(rule.apiGroups, resource.group) &&
    listed(rule.apiVersions, resource.version) &&
    resourceMatches(rule.resources, resource.resource, target.subresource)
  );
}

const listed = (items: readonly string[] | undefined, asked: string) =>
  items?.some((each) => each === '*' || each === asked) ?? false;

/** Namespaces count as cluster-scoped, though requests for one are made in it. */
function scopeMatches(scope: string | undefined, { resource, namespace }: RuleTarget): boolean {
  if (scope === undefined || scope === '*') return true;
  const isNamespace = resource.group === '' && resource.version === 'v1' && resource.resource === 'namespaces';
  const clusterScoped = isNamespace || namespace === '';
  return scope === 'Cluster' ? clusterScoped : scope === 'Namespaced' && !clusterScoped;
}

function resourceMatches(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  return (
    resources?.some((each) => {
      const slash = each.indexOf('/');
      const main = slash < 0 ? each : each.slice(0, slash);
      const sub = slash < 0 ? '' : each.slice(slash + 1);
      return (main === '*' || main === resource) && (sub === '*' || sub === subresource);
    }) ?? false
  );
}
