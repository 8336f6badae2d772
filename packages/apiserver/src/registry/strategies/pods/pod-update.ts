import {
  deepEqual,
  type NodeAffinity,
  type NodeSelectorTerm,
  type Pod,
  type PodSpec,
  type Toleration,
} from '@keelson/core';
import type { Draft } from '../../draft.ts';
import type { FieldErrors } from '../../strategy.ts';
import { inGo } from '../go-internal.ts';
import { lineDiff } from './line-diff.ts';
import { appArmorPrefix, mirrorAnnotation, validatePodAnnotations } from './pod-annotations.ts';
import { validateTolerations } from './scheduling-validation.ts';

const fixed =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What an update of a Pod may not change (kubernetes.io/docs/concepts/workloads/pods: pod update and replacement). */
export function validatePodUpdate(pod: Pod, old: Pod, errors: FieldErrors): void {
  validateAnnotationUpdate(pod, old, errors);
  const { spec } = pod;
  const before = old.spec;
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list]?.length ?? 0) !== (before[list]?.length ?? 0)) {
      errors.forbidden(`spec.${list}`, 'pod updates may not add or remove containers');
      return;
    }
    spec[list]?.forEach(({ image }, index) => {
      const at = `spec.${list}[${index}].image`;
      if (!image) errors.required(at);
      else if (image.trim() !== image) errors.invalid(at, image, 'must not have leading or trailing whitespace');
    });
  }
  validateDeadline(spec, before, errors);
  validateAddedTolerations(spec.tolerations, before.tolerations, errors);
  validateGateRemoval(spec, before, errors);
  if (spec === before || deepEqual(spec, before)) return;
  const gated = (before.schedulingGates?.length ?? 0) > 0;
  const wanted = mutableParts(spec, before);
  if (gated) {
    if (!deepEqual(wanted.nodeSelector ?? {}, before.nodeSelector ?? {})) {
      validateNodeSelectorMutation(spec, before, errors);
      putBack(wanted, before, 'nodeSelector');
    }
    const [own, theirs] = [wanted.affinity?.nodeAffinity, before.affinity?.nodeAffinity];
    if (!deepEqual(own, theirs)) {
      const at = 'spec.affinity.nodeAffinity';
      validateNodeAffinityMutation(own as NodeAffinity | undefined, theirs, at, errors);
      const { nodeAffinity: _new, ...rest } = wanted.affinity ?? {};
      const affinity = { ...rest, ...(theirs && { nodeAffinity: theirs }) };
      if (Object.keys(affinity).length > 0 || before.affinity) wanted.affinity = affinity as Draft<PodSpec>['affinity'];
      else delete wanted.affinity;
    }
  }
  if (deepEqual(wanted, before)) return;
  const diff = lineDiff(goText(before), goText(wanted as PodSpec));
  errors.forbidden('spec', `${fixed}\n${diff}`);
}

const goText = (spec: PodSpec) => JSON.stringify(inGo('PodSpec', spec), undefined, 1);

/** Annotations that only the kubelet's own files may set. */
function validateAnnotationUpdate({ metadata, spec }: Pod, old: Pod, errors: FieldErrors): void {
  const now = metadata.annotations ?? {};
  const before = old.metadata.annotations ?? {};
  const at = 'metadata.annotations';
  const forbid = (key: string, why: string) => errors.forbidden(`${at}[${key}]`, why);
  for (const [key, value] of Object.entries(now)) {
    if (before[key] === value) continue;
    if (key.startsWith(appArmorPrefix)) {
      forbid(key, key in before ? 'may not update AppArmor annotations' : 'may not add AppArmor annotations');
    }
    if (key === mirrorAnnotation) {
      forbid(key, key in before ? 'may not update mirror pod annotation' : 'may not add mirror pod annotation');
    }
  }
  for (const key of Object.keys(before)) {
    if (key in now) continue;
    if (key.startsWith(appArmorPrefix)) forbid(key, 'may not remove AppArmor annotations');
    if (key === mirrorAnnotation) forbid(key, 'may not remove mirror pod annotation');
  }
  // What is wrong with them is a cause of its own for the update, besides.
  validatePodAnnotations(metadata, spec, at, errors, before);
}

function validateDeadline(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  const [now, before] = [spec.activeDeadlineSeconds, old.activeDeadlineSeconds];
  const at = 'spec.activeDeadlineSeconds';
  if (now !== undefined) {
    if (now < 0 || now > 2147483647) errors.invalid(at, now, 'must be between 0 and 2147483647, inclusive');
    else if (before !== undefined && before < now)
      errors.invalid(at, now, 'must be less than or equal to previous value');
  } else if (before !== undefined)
    errors.invalid(at, undefined, 'must not update from a positive integer to nil value');
}

const sameButSeconds = (a: Toleration, b: Toleration) =>
  (a.key ?? '') === (b.key ?? '') &&
  (a.operator ?? '') === (b.operator ?? '') &&
  (a.value ?? '') === (b.value ?? '') &&
  (a.effect ?? '') === (b.effect ?? '');

/** Nothing but additions, and changes of `tolerationSeconds`, may be made. */
export function validateAddedTolerations(
  now: readonly Toleration[] = [],
  before: readonly Toleration[] = [],
  errors: FieldErrors,
): void {
  if (before.every((old) => now.some((each) => sameButSeconds(each, old)))) {
    validateTolerations(now, 'spec.tolerations', errors);
    return;
  }
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  errors.forbidden('spec.tolerations', why);
}

function validateGateRemoval(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  const known = new Set(old.schedulingGates?.map((each) => each.name));
  spec.schedulingGates?.forEach(({ name }, index) => {
    if (known.has(name)) return;
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    errors.forbidden(`spec.schedulingGates[${index}].name`, why);
  });
}

function validateNodeSelectorMutation(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  const now = spec.nodeSelector ?? {};
  if (Object.entries(old.nodeSelector ?? {}).every(([key, value]) => now[key] === value)) return;
  const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
  errors.invalid('spec.nodeSelector', spec.nodeSelector, why);
}

/** Gated pods may be narrowed to fewer nodes, and what they prefer may change freely (KEP-3838). */
function validateNodeAffinityMutation(
  now: NodeAffinity | undefined,
  before: NodeAffinity | undefined,
  at: string,
  errors: FieldErrors,
): void {
  const wanted = now?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? undefined;
  const known = before?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (known.length === 0) return;
  const here = `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  if (wanted?.length !== known.length) {
    const why = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    errors.invalid(here, inGo('[]NodeSelectorTerm', wanted), why);
    return;
  }
  wanted.forEach((term, index) => {
    if (extendsTerm(term, known[index] ?? {})) return;
    const why = 'only additions are allowed (no mutations or deletions)';
    errors.invalid(`${here}[${index}]`, inGo('NodeSelectorTerm', term), why);
  });
}

function extendsTerm(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const [expressions, fields] = [old.matchExpressions ?? [], old.matchFields ?? []];
  if (expressions.length === 0 && fields.length === 0) return deepEqual(term, old);
  return (
    expressions.every((each, index) => deepEqual(each, term.matchExpressions?.[index])) &&
    fields.every((each, index) => deepEqual(each, term.matchFields?.[index]))
  );
}

function putBack(spec: Draft<PodSpec>, old: PodSpec, field: keyof PodSpec): void {
  if (old[field] === undefined) delete spec[field];
  else Object.assign(spec, { [field]: old[field] });
}

/** `spec` with all that may change put back to what it was. */
function mutableParts(spec: PodSpec, old: PodSpec): Draft<PodSpec> {
  const result: Draft<PodSpec> = { ...(spec as Draft<PodSpec>) };
  for (const list of ['containers', 'initContainers'] as const) {
    const before = old[list];
    if (!spec[list]) continue;
    result[list] = spec[list].map((each, index) => {
      const container = { ...each, image: before?.[index]?.image };
      if (container.image === undefined) delete container.image;
      return container;
    }) as Draft<PodSpec>['containers'];
  }
  putBack(result, old, 'activeDeadlineSeconds');
  putBack(result, old, 'schedulingGates');
  putBack(result, old, 'tolerations');
  const grace = old.terminationGracePeriodSeconds;
  if (grace !== undefined && grace < 0 && spec.terminationGracePeriodSeconds === 1) {
    result.terminationGracePeriodSeconds = grace;
  }
  return result;
}
