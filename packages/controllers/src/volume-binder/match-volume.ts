import {
  compareQuantity,
  labelSelectorMatches,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '@keelson/core';
import { isReservedFor } from './binding-state.ts';

/** Whether the volume is what the claim asks for, apart from whether it is free. */
export function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const wanted = claim.spec;
  const offered = volume.spec;
  const capacity = offered?.capacity?.['storage'];
  const request = wanted?.resources?.requests?.['storage'];
  return (
    (offered?.storageClassName ?? '') === (wanted?.storageClassName ?? '') &&
    (offered?.volumeMode ?? 'Filesystem') === (wanted?.volumeMode ?? 'Filesystem') &&
    (wanted?.accessModes ?? []).every((mode) => offered?.accessModes?.includes(mode)) &&
    (request === undefined || (capacity !== undefined && compareQuantity(capacity, request) >= 0)) &&
    (offered?.volumeAttributesClassName ?? '') === (wanted?.volumeAttributesClassName ?? '')
  );
}

/**
 * The volume for a claim: one that is reserved for it, else the smallest free one that suits.
 * @param accepts a further condition on free volumes, such as that the chosen node can reach them
 */
export function matchVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  accepts: (volume: PersistentVolume) => boolean = () => true,
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp !== undefined) continue;
    if (isReservedFor(volume, claim)) {
      if (suits(volume, claim)) return volume;
      continue;
    }
    if (volume.spec?.claimRef || volume.status?.phase !== 'Available' || !suits(volume, claim)) continue;
    if (claim.spec?.selector && !labelSelectorMatches(claim.spec.selector, volume.metadata.labels ?? {})) continue;
    if (!accepts(volume)) continue;
    const size = volume.spec?.capacity?.['storage'] ?? '0';
    if (!best || compareQuantity(size, best.spec?.capacity?.['storage'] ?? '0') < 0) best = volume;
  }
  return best;
}
