import type { AppArmorProfile, Pod } from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { appArmorPrefix } from './pod-annotations.ts';

/** Profiles that nobody has written as a field. */
const fromAnnotations = new WeakSet<object>();

/** A profile as it was written before v1.30 (KEP-24); `undefined` for none and for what cannot be read. */
function profileOf(annotation: string | undefined): AppArmorProfile | undefined {
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  const localhostProfile = /^localhost\/(.+)$/s.exec(annotation ?? '')?.[1];
  return localhostProfile === undefined ? undefined : { type: 'Localhost', localhostProfile };
}

/** Profiles that a new pod's annotations name become fields, where these do not say otherwise. */
export function settleAppArmor({ metadata, spec }: Draft<Pod>): void {
  const { annotations } = metadata;
  if (!annotations || spec.os?.name === 'windows') return;
  for (const list of [spec.initContainers, spec.containers]) {
    for (const container of list ?? []) {
      const profile = profileOf(annotations[appArmorPrefix + container.name]);
      if (!profile || container.securityContext?.appArmorProfile || isOfPod({ spec }, profile)) continue;
      fromAnnotations.add(profile);
      container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    }
  }
}

/** Whether the annotation of a container stands for a field that nobody wrote. */
export function namesAppArmorByAnnotation(
  pod: Pod,
  container: NonNullable<Pod['spec']['containers']>[number],
): boolean {
  const annotation = pod.metadata.annotations?.[appArmorPrefix + container.name];
  if (annotation === undefined || pod.spec.os?.name === 'windows') return false;
  const field = container.securityContext?.appArmorProfile;
  if (field) return fromAnnotations.has(field);
  const profile = profileOf(annotation);
  return !profile || !isOfPod(pod, profile);
}

function isOfPod({ spec }: Pick<Pod, 'spec'>, profile: AppArmorProfile): boolean {
  const own = spec.securityContext?.appArmorProfile;
  return own?.type === profile.type && own.localhostProfile === profile.localhostProfile;
}
