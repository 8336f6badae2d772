import { type Container, compareQuantity, deepEqual, type Pod, type PodSpec } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { inGo } from '../go-internal.ts';
import { qosClassOf } from '../pod-qos.ts';
import { validatePod } from '../pod-validation.ts';
import { lineDiff } from './line-diff.ts';
import { mirrorAnnotation } from './pod-annotations.ts';

/** Of the whole object: Go prints a path that is empty like this. */
const whole = '[]';

/** pods/ephemeralcontainers (KEP-277): containers may be added, and nothing else. */
export function validateEphemeralUpdate(pod: Pod, old: Pod, errors: FieldErrors): void {
  validatePod(pod, errors, old);
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    errors.forbidden(whole, 'static pods do not support ephemeral containers');
  }
  const now = new Map(pod.spec.ephemeralContainers?.map((each) => [each.name, each]));
  const text = (container: object) => JSON.stringify(inGo('EphemeralContainer', container), undefined, 1);
  for (const each of old.spec.ephemeralContainers ?? []) {
    const wanted = now.get(each.name);
    const name = `existing ephemeral containers ${JSON.stringify(each.name)}`;
    if (!wanted) errors.forbidden('spec.ephemeralContainers', `${name} may not be removed\n`);
    else if (!deepEqual(wanted, each)) {
      const diff = lineDiff(text(each), text(wanted));
      errors.forbidden('spec.ephemeralContainers', `${name} may not be changed\n${diff}`);
    }
  }
}

const lists = ['containers', 'initContainers'] as const;
const resizable = ['cpu', 'memory'];

/** pods/resize (KEP-1287): requests and limits of cpu and memory, of containers that are there. */
export function validateResize(pod: Pod, old: Pod, errors: FieldErrors): void {
  validatePod(pod, errors, old);
  const from = errors.list.length;
  if (saysForAll(old.spec)) {
    const why =
      'resize of pods with pod-level resources is forbidden when InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled';
    errors.forbidden(whole, why);
  }
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    errors.forbidden(whole, 'static pods cannot be resized');
  }
  if (old.spec.os?.name === 'windows') errors.forbidden(whole, 'windows pods cannot be resized');
  if (errors.list.length > from) return;
  const qos = old.status?.qosClass ?? qosClassOf(old.spec);
  if (qosClassOf(pod.spec) !== qos) {
    errors.invalid('spec', qos, 'Pod QOS Class may not change as a result of resizing');
  }
  if (!validateNames(pod.spec, old.spec, errors)) return;
  for (const list of lists) {
    pod.spec[list]?.forEach((each, index) => {
      validateRemoval(each, old.spec[list]?.[index], `spec.${list}[${index}].resources`, errors);
    });
  }
  for (const list of lists) {
    pod.spec[list]?.forEach((each, index) => {
      const why = fixedChange(each, old.spec[list]?.[index], list);
      if (why !== undefined) errors.forbidden('spec', why);
    });
  }
}

/** Whether anything is said of the resources of the pod as a whole. */
const saysForAll = ({ resources }: PodSpec) =>
  Object.keys(resources?.requests ?? {}).length > 0 || Object.keys(resources?.limits ?? {}).length > 0;

/** Whether the containers are the same ones. */
function validateNames(spec: PodSpec, old: PodSpec, errors: FieldErrors): boolean {
  for (const list of lists) {
    if ((spec[list]?.length ?? 0) === (old[list]?.length ?? 0)) continue;
    errors.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`);
    return false;
  }
  const from = errors.list.length;
  for (const list of lists) {
    spec[list]?.forEach(({ name }, index) => {
      if (name === old[list]?.[index]?.name) return;
      errors.forbidden(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`);
    });
  }
  return errors.list.length === from;
}

function validateRemoval(now: Container, before: Container | undefined, at: string, errors: FieldErrors): void {
  for (const part of ['requests', 'limits'] as const) {
    const given = now.resources?.[part] ?? {};
    const had = before?.resources?.[part] ?? {};
    if (Object.keys(had).every((each) => each in given)) continue;
    errors.forbidden(`${at}.${part}`, `resource ${part} cannot be removed`);
  }
}

/** Why a container may not be changed like this. */
function fixedChange(now: Container, before: Container | undefined, list: (typeof lists)[number]): string | undefined {
  const isInit = list === 'initContainers';
  const runsOn = !isInit || now.restartPolicy === 'Always';
  const isFixed = (name: string) => !runsOn || !resizable.includes(name);
  if (sameResources(now, before, isFixed) && deepEqual(now.resizePolicy, before?.resizePolicy)) return undefined;
  if (!runsOn) return 'resources for non-sidecar init containers are immutable';
  return `only cpu and memory resources ${isInit ? 'for sidecar containers ' : ''}are mutable`;
}

function sameResources(a: Container, b: Container | undefined, counts: (name: string) => boolean): boolean {
  return (['requests', 'limits'] as const).every((part) => {
    const [own, theirs] = [a.resources?.[part] ?? {}, b?.resources?.[part] ?? {}];
    const names = new Set([...Object.keys(own), ...Object.keys(theirs)].filter(counts));
    return [...names].every((name) => {
      const [x, y] = [own[name], theirs[name]];
      return x !== undefined && y !== undefined && compareQuantity(x, y) === 0;
    });
  });
}

/** What a write through a subresource of a Pod must satisfy; a binding has been looked at before. */
export function validatePodSubresource(subresource: string, pod: Pod, old: Pod, errors: FieldErrors): void {
  if (subresource === 'ephemeralcontainers') validateEphemeralUpdate(pod, old, errors);
  else if (subresource === 'resize') validateResize(pod, old, errors);
}
