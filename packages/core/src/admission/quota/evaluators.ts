import type { KubernetesObject } from '../../api/index.ts';
import { claimEvaluator } from './claim-evaluator.ts';
import type { QuotaEvaluator } from './contract.ts';
import { countEvaluator, countName } from './count-evaluator.ts';
import { podEvaluator } from './pod-evaluator.ts';
import { resourceClaimEvaluator } from './resource-claim-evaluator.ts';
import { serviceEvaluator } from './service-evaluator.ts';

const special = new Map(
  [podEvaluator, serviceEvaluator, claimEvaluator, resourceClaimEvaluator].map((each) => [
    countName(each.group, each.resource),
    // Called only with objects that have been decoded as that very kind.
    each as QuotaEvaluator,
  ]),
);
const counters = new Map<string, QuotaEvaluator>();

/** The evaluator of a kind; any kind can at least be counted. Remembered: there are as many as there are kinds. */
export function evaluatorFor(group: string, resource: string): QuotaEvaluator<KubernetesObject> {
  const name = countName(group, resource);
  const known = special.get(name) ?? counters.get(name);
  if (known) return known;
  const made = countEvaluator(group, resource);
  counters.set(name, made);
  return made;
}

/** The kind behind a name of a quota: `count/jobs.batch` → batch, jobs; undefined where pods, claims … have to be asked. */
export function countedKind(name: string): { readonly group: string; readonly resource: string } | undefined {
  if (!name.startsWith('count/')) {
    return ['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'].includes(name)
      ? { group: '', resource: name }
      : undefined;
  }
  const rest = name.slice('count/'.length);
  const dot = rest.indexOf('.');
  return dot < 0 ? { group: '', resource: rest } : { group: rest.slice(dot + 1), resource: rest.slice(0, dot) };
}

/** Kinds that count for more than their number. */
export const specialEvaluators: readonly QuotaEvaluator[] = [...special.values()];
