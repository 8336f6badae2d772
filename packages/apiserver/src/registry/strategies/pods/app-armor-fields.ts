import type { AppArmorProfile, Pod, PodSpec } from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { appArmorPrefix } from './pod-annotations.ts';

/** A profile as it was written before v1.30 (KEP-24); `undefined` for none and for what cannot be read. */
function profileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  const localhostProfile = /^localhost\/(.+)$/s.exec(annotation)?.[1];
  return localhostProfile === undefined ? undefined : { type: 'Localhost', localhostProfile };
}

/**
 * Profiles that a new pod's annotations name become fields, where these do not say otherwise. `warn` is told of each
 * annotation that stands for a field, of those that cannot be read, too.
 */
export function settleAppArmor({ metadata, spec }: Draft<Pod>, warn: (text: string) => void): void {
  const { annotations } = metadata;
  if (!annotations || spec.os?.name === 'windows') return;
  for (const list of [spec.initContainers, spec.containers]) {
    for (const container of list ?? []) {
      const key = appArmorPrefix + container.name;
      const annotation = annotations[key];
      if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
      const profile = profileOf(annotation);
      if (profile && isOfPod(spec, profile)) continue;
      warn(appArmorWarning(`metadata.annotations[${key}]`));
      if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    }
  }
}

/** @param at where the annotation stands */
export const appArmorWarning = (at: string) => `${at}: deprecated since v1.30; use the "appArmorProfile" field instead`;

function isOfPod({ securityContext }: Pick<PodSpec, 'securityContext'>, profile: AppArmorProfile): boolean {
  const own = securityContext?.appArmorProfile;
  return own?.type === profile.type && own.localhostProfile === profile.localhostProfile;
}
