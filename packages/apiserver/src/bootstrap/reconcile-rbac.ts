import { deepEqual, type KubernetesObject } from '@keelson/core';
import { z } from 'zod';
import { rulesCover } from '../authorization/rule-matching.ts';
import { breakDown } from '../authorization/rule-text.ts';
import { rulesOf } from './objects.ts';

type Loose = KubernetesObject & Readonly<Record<string, unknown>>;

/** An object with what was missing; `recreate`: it can only be made anew; `undefined`: it is fine as it is. */
export type Reconciled = Loose | 'recreate' | undefined;

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

const Subjects = z.array(
  z.looseObject({
    kind: z.string(),
    name: z.string(),
    namespace: z.string().optional(),
    apiGroup: z.string().optional(),
  }),
);
const Aggregation = z.looseObject({ clusterRoleSelectors: z.array(z.looseObject({})).optional() });

/**
 * What a role or binding that is there already has to become, as kube-apiserver's start has it: whoever runs the cluster
 * may have added labels, rules and subjects, and what is missing is put back; with the annotation `autoupdate` false
 * nothing is.
 */
export function reconciledRbac(wanted: Loose, existing: Loose): Reconciled {
  if (existing.metadata.annotations?.[autoUpdate] === 'false') return undefined;
  if ('roleRef' in wanted && !deepEqual(wanted['roleRef'], existing['roleRef'])) return 'recreate';
  const changed = { ...existing, ...metadataOf(wanted, existing), ...contentOf(wanted, existing) };
  return deepEqual(changed, existing) ? undefined : changed;
}

/** What is there counts more. */
function metadataOf({ metadata: wanted }: Loose, { metadata }: Loose): Pick<Loose, 'metadata'> {
  const labels = { ...wanted.labels, ...metadata.labels };
  const annotations = { ...wanted.annotations, ...metadata.annotations };
  return {
    metadata: {
      ...metadata,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
  };
}

function contentOf(wanted: Loose, existing: Loose): Readonly<Record<string, unknown>> {
  if ('roleRef' in wanted) return withSubjects(wanted, existing);
  const held = rulesOf(existing);
  const missing = breakDown(rulesOf(wanted)).filter((rule) => !rulesCover(held, rule));
  return { ...(missing.length > 0 && { rules: [...held, ...missing] }), ...withAggregation(wanted, existing) };
}

function withSubjects(wanted: Loose, existing: Loose): Readonly<Record<string, unknown>> {
  const held = Subjects.safeParse(existing['subjects']).data ?? [];
  const needed = Subjects.safeParse(wanted['subjects']).data ?? [];
  const missing = needed.filter((each) => !held.some((one) => sameSubject(one, each)));
  return missing.length > 0 ? { subjects: [...held, ...missing] } : {};
}

type Subject = z.infer<typeof Subjects>[number];

const sameSubject = (a: Subject, b: Subject) =>
  a.kind === b.kind && a.name === b.name && a.namespace === b.namespace && a.apiGroup === b.apiGroup;

/** A role that is not meant to be aggregated is not. */
function withAggregation(wanted: Loose, existing: Loose): Readonly<Record<string, unknown>> {
  if (!wanted['aggregationRule']) return existing['aggregationRule'] ? { aggregationRule: undefined } : {};
  const selectorsOf = (role: Loose) => Aggregation.safeParse(role['aggregationRule']).data?.clusterRoleSelectors ?? [];
  const held = selectorsOf(existing);
  const missing = selectorsOf(wanted).filter((each) => !held.some((one) => deepEqual(one, each)));
  return missing.length > 0 ? { aggregationRule: { clusterRoleSelectors: [...held, ...missing] } } : {};
}
