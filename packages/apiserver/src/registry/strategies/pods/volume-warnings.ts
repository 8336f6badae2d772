import type { ProjectedVolumeSource, Volume } from '@keelson/core';
import { claimWarnings } from '../claim-warnings.ts';

export const retiredSources: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'scaleIO: deprecated in v1.16, non-functional in v1.22+',
  flocker: 'flocker: deprecated in v1.22, non-functional in v1.25+',
  storageos: 'storageOS: deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'quobyte: deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'glusterfs: deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'cephfs: deprecated in v1.28, non-functional in v1.31+',
  rbd: 'rbd: deprecated in v1.28, non-functional in v1.31+',
};

const overlaps = (a: string, b: string) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);

/** Tells of every path that lies on or under an earlier one. */
class Paths {
  readonly #taken = new Map<string, string>();
  readonly #title: string;
  readonly #warn: (text: string) => void;

  constructor(title: string, warn: (text: string) => void) {
    this.#title = title;
    this.#warn = warn;
  }

  /** `source`: whose path it is, where one volume has many. */
  add(path: string, source = ''): void {
    if (path === '') return;
    for (const [other, whose] of this.#taken) {
      if (!overlaps(path, other)) continue;
      this.#warn(`${this.#title}: overlapping paths: "${path}"${source} with "${other}"${whose}`);
    }
    if (!this.#taken.has(path)) this.#taken.set(path, source);
  }
}

function projectedWarnings({ sources }: ProjectedVolumeSource, paths: Paths, noSource: () => void): void {
  for (const { configMap, secret, downwardAPI, serviceAccountToken: token } of sources ?? []) {
    if (!configMap && !secret && !downwardAPI && !token) noSource();
    for (const each of secret?.items ?? []) paths.add(each.path, ` (Secret "${secret?.name ?? ''}")`);
    for (const each of configMap?.items ?? []) paths.add(each.path, ` (ConfigMap "${configMap?.name ?? ''}")`);
    for (const each of downwardAPI?.items ?? []) paths.add(each.path, ' (DownwardAPI)');
    if (token) paths.add(token.path, ' (ServiceAccountToken)');
  }
}

export function volumeWarnings(volumes: readonly Volume[] | undefined, at: string, warn: (text: string) => void): void {
  volumes?.forEach((volume, index) => {
    const here = `${at}.volumes[${index}]`;
    for (const field of Object.keys(volume)) if (retiredSources[field]) warn(`${here}.${retiredSources[field]}`);
    const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
    if (claim) claimWarnings(claim, `${here}.ephemeral.volumeClaimTemplate.spec`, warn);
  });
  for (const volume of volumes ?? []) {
    const { configMap, secret, downwardAPI, projected } = volume;
    const paths = (title: string) => new Paths(`volume "${volume.name}" (${title})`, warn);
    if (configMap?.items) {
      const own = paths(`ConfigMap "${configMap.name ?? ''}"`);
      for (const each of configMap.items) own.add(each.path);
    }
    if (secret?.items) {
      const own = paths(`Secret "${secret.secretName ?? ''}"`);
      for (const each of secret.items) own.add(each.path);
    }
    if (downwardAPI?.items) {
      const own = paths('DownwardAPI');
      for (const each of downwardAPI.items) own.add(each.path);
    }
    if (projected)
      projectedWarnings(projected, paths('Projected'), () =>
        warn(`volume "${volume.name}" (Projected) has no sources provided`),
      );
  }
}
