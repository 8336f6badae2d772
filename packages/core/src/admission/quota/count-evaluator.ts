import { parseQuantity } from '../../machinery/index.ts';
import type { QuotaEvaluator } from './contract.ts';

export const one = parseQuantity('1');

/** `count/deployments.apps`, `count/configmaps`: the name under which any kind can be counted. */
export function countName(group: string, resource: string): string {
  return group === '' ? `count/${resource}` : `count/${resource}.${group}`;
}

/** Kinds that were counted before there was `count/…`, under their bare name. */
const oldNames = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

/** Counts the objects of any kind, built in or custom. */
export function countEvaluator(group: string, resource: string): QuotaEvaluator {
  const names = [countName(group, resource), ...(group === '' && oldNames.has(resource) ? [resource] : [])];
  const usage = Object.fromEntries(names.map((name) => [name, one]));
  return {
    group,
    resource,
    handles: (operation, subresource) => operation === 'CREATE' && subresource === undefined,
    counts: (name) => names.includes(name),
    usage: () => usage,
  };
}
