import type { ObjectMeta, PodSpec } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkDescendingPath } from '../checks.ts';

type Annotations = Readonly<Record<string, string>>;

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
export const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
export const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/** The annotations that mean something to Kubernetes. `at`: `metadata.annotations`. */
export function validatePodAnnotations(
  metadata: Pick<ObjectMeta, 'annotations'> | undefined,
  spec: PodSpec,
  at: string,
  errors: FieldErrors,
  old?: Annotations,
): void {
  const { annotations } = metadata ?? {};
  if (!annotations) return;
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    errors.invalid(`${at}[${mirrorAnnotation}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set');
  }
  if (mirror !== undefined && (spec.resourceClaims?.length ?? 0) > 0) {
    errors.forbidden('[]', 'static pods do not support resource claims');
  }
  const cost = annotations[deletionCostAnnotation];
  if (cost !== undefined && !(old && deletionCostAnnotation in old && !isInt32(old[deletionCostAnnotation] ?? ''))) {
    if (!isInt32(cost)) errors.invalid(`${at}[${deletionCostAnnotation}]`, cost, 'must be a 32bit integer');
  }
  validateSeccompAnnotations(annotations, at, errors);
  validateAppArmorAnnotations(annotations, spec, at, errors);
}

function isInt32(text: string): boolean {
  if (!/^(?:0|-?[1-9]\d*)$/.test(text)) return false;
  const value = Number(text);
  return value >= -(2 ** 31) && value < 2 ** 31;
}

function validateSeccompAnnotations(annotations: Annotations, at: string, errors: FieldErrors): void {
  const pod = annotations[seccompPodAnnotation];
  if (pod !== undefined) checkSeccompProfile(pod, `${at}.${seccompPodAnnotation}`, errors);
  for (const [key, value] of Object.entries(annotations)) {
    if (key.startsWith(seccompContainerPrefix)) checkSeccompProfile(value, `${at}.${key}`, errors);
  }
}

function checkSeccompProfile(profile: string, at: string, errors: FieldErrors): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return;
  if (!profile.startsWith('localhost/')) {
    errors.invalid(at, profile, 'must be a valid seccomp profile');
    return;
  }
  checkDescendingPath(profile.slice('localhost/'.length), at, errors);
}

function validateAppArmorAnnotations(annotations: Annotations, spec: PodSpec, at: string, errors: FieldErrors): void {
  for (const [key, profile] of Object.entries(annotations)) {
    if (!key.startsWith(appArmorPrefix)) continue;
    const container = key.slice(appArmorPrefix.length);
    const lists = [spec.initContainers, spec.containers, spec.ephemeralContainers];
    if (!lists.some((list) => list?.some((each) => each.name === container))) {
      errors.invalid(`${at}[${key}]`, container, 'container not found');
    }
    const known = profile === '' || profile === 'runtime/default' || profile === 'unconfined';
    if (!known && !profile.startsWith('localhost/')) {
      errors.invalid(`${at}[${key}]`, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`);
    }
  }
}

interface Profile {
  readonly type: string;
  readonly localhostProfile?: string;
}

/** What an annotation says where the field has a type; other types are refused for themselves. */
const annotationsOfTypes: Readonly<Record<string, readonly string[]>> = {
  Unconfined: ['unconfined'],
  RuntimeDefault: ['runtime/default', 'docker/default'],
};
const local = 'localhost/';

function mustMatch(
  annotation: string,
  { type, localhostProfile }: Profile,
  kind: 'seccomp' | 'apparmor',
  at: string,
  errors: FieldErrors,
): void {
  if (type === 'Localhost' && annotation.startsWith(local)) {
    if (annotation === local + localhostProfile) return;
    errors.forbidden(`${at}.localhostProfile`, `${kind} profile in annotation and field must match`);
    return;
  }
  const fits = type === 'Localhost' ? [] : annotationsOfTypes[type];
  if (!fits || (fits.includes(annotation) && (kind === 'seccomp' || annotation !== 'docker/default'))) return;
  errors.forbidden(`${at}.type`, `${kind} type in annotation and field must match`);
}

/** Annotations of old, where the fields say something else. `at`: `spec`. */
export function validateProfilesMatch(
  annotations: Annotations | undefined,
  spec: PodSpec,
  at: string,
  errors: FieldErrors,
): void {
  if (!annotations) return;
  const pod = annotations[seccompPodAnnotation];
  const field = spec.securityContext?.seccompProfile;
  if (pod !== undefined && field) mustMatch(pod, field, 'seccomp', `${at}.securityContext.seccompProfile`, errors);
  const isWindows = spec.os?.name === 'windows';
  for (const kind of ['seccomp', 'apparmor'] as const) {
    if (kind === 'apparmor' && isWindows) continue;
    const prefix = kind === 'seccomp' ? seccompContainerPrefix : appArmorPrefix;
    const path = kind === 'seccomp' ? 'seccompProfile' : 'appArmorProfile';
    for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
      spec[list]?.forEach(({ name, securityContext: context }, index) => {
        const text = annotations[prefix + name];
        if (text === undefined) return;
        // What the pod says of AppArmor holds for its containers, too.
        const own = context?.[path] ?? (kind === 'apparmor' ? spec.securityContext?.appArmorProfile : undefined);
        if (own) mustMatch(text, own, kind, `${at}.${list}[${index}].securityContext.${path}`, errors);
      });
    }
  }
}
