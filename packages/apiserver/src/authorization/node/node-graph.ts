import type { PersistentVolume, Pod, ResourceSlice, VolumeAttachment } from '@keelson/core';
import { isMirrorPod, podReferences, type ReferencedKind } from './pod-references.ts';
import { volumeSecrets } from './volume-secrets.ts';

/** What a question about a relationship may be about. */
export type RelatedKind = ReferencedKind | 'persistentvolumes' | 'volumeattachments' | 'resourceslices';

interface KnownPod {
  readonly node: string;
  /** Keys of what it needs. */
  readonly keys: ReadonlySet<string>;
}

interface KnownVolume {
  /** `namespace/name` of its claim. */
  readonly claim: string;
  readonly secrets: ReadonlySet<string>;
}

/**
 * Which objects have to do with which node: what pods there refer to, the volumes of their claims, and the Secrets of
 * those. Kept by node, so that a question costs one look-up, or for a Secret of volumes one for each claim on the node.
 */
export class NodeGraph {
  readonly #pods = new Map<string, KnownPod>();
  /** By node: how many of its pods need an object, by `kind/namespace/name`. */
  readonly #needs = new Map<string, Map<string, number>>();
  /** By node: how many of its pods have a claim, by `namespace/name`. */
  readonly #claims = new Map<string, Map<string, number>>();
  readonly #volumes = new Map<string, KnownVolume>();
  readonly #volumesOfClaim = new Map<string, Set<string>>();
  readonly #attachments = new Map<string, string>();
  readonly #slices = new Map<string, string>();

  setPod(pod: Pod): void {
    const { namespace = '', name = '' } = pod.metadata;
    const node = pod.spec.nodeName;
    const pods = `${namespace}/${name}`;
    const known = this.#pods.get(pods);
    if (!node) {
      this.#forgetPod(pods, known);
      return;
    }
    const keys = new Set([`pods/${pods}`]);
    // What a mirror pod names was never checked by anybody: it counts for nothing.
    const references = isMirrorPod(pod) ? [] : podReferences(pod);
    for (const [kind, referred] of references) keys.add(`${kind}/${namespace}/${referred}`);
    if (known?.node === node && sameKeys(known.keys, keys)) return;
    this.#forgetPod(pods, known);
    this.#pods.set(pods, { node, keys });
    for (const key of keys) {
      change(this.#needs, node, key, 1);
      if (key.startsWith(claimPrefix)) change(this.#claims, node, key.slice(claimPrefix.length), 1);
    }
  }

  deletePod({ metadata: { namespace = '', name = '' } }: Pick<Pod, 'metadata'>): void {
    const key = `${namespace}/${name}`;
    this.#forgetPod(key, this.#pods.get(key));
  }

  setVolume(volume: PersistentVolume): void {
    this.deleteVolume(volume);
    const { claimRef } = volume.spec;
    if (!claimRef) return;
    const { name = '' } = volume.metadata;
    const claim = `${claimRef.namespace}/${claimRef.name}`;
    this.#volumes.set(name, { claim, secrets: new Set(volumeSecrets(volume)) });
    const volumes = this.#volumesOfClaim.get(claim);
    if (volumes) volumes.add(name);
    else this.#volumesOfClaim.set(claim, new Set([name]));
  }

  deleteVolume({ metadata: { name = '' } }: Pick<PersistentVolume, 'metadata'>): void {
    const known = this.#volumes.get(name);
    if (!known) return;
    this.#volumes.delete(name);
    const volumes = this.#volumesOfClaim.get(known.claim);
    volumes?.delete(name);
    if (volumes?.size === 0) this.#volumesOfClaim.delete(known.claim);
  }

  setAttachment({ metadata, spec }: VolumeAttachment): void {
    this.#attachments.set(metadata.name ?? '', spec.nodeName);
  }

  deleteAttachment({ metadata }: Pick<VolumeAttachment, 'metadata'>): void {
    this.#attachments.delete(metadata.name ?? '');
  }

  setSlice({ metadata, spec }: ResourceSlice): void {
    if (spec.nodeName) this.#slices.set(metadata.name ?? '', spec.nodeName);
    else this.#slices.delete(metadata.name ?? '');
  }

  deleteSlice({ metadata }: Pick<ResourceSlice, 'metadata'>): void {
    this.#slices.delete(metadata.name ?? '');
  }

  /** Whether an object has to do with a node. */
  relates(node: string, kind: RelatedKind, namespace: string, name: string): boolean {
    switch (kind) {
      case 'volumeattachments':
        return this.#attachments.get(name) === node;
      case 'resourceslices':
        return this.#slices.get(name) === node;
      case 'persistentvolumes': {
        const volume = this.#volumes.get(name);
        return volume !== undefined && this.#claims.get(node)?.has(volume.claim) === true;
      }
      default:
        return (
          this.#needs.get(node)?.has(`${kind}/${namespace}/${name}`) === true ||
          (kind === 'secrets' && this.#mountsWith(node, `${namespace}/${name}`))
        );
    }
  }

  #mountsWith(node: string, secret: string): boolean {
    for (const claim of this.#claims.get(node)?.keys() ?? []) {
      for (const volume of this.#volumesOfClaim.get(claim) ?? []) {
        if (this.#volumes.get(volume)?.secrets.has(secret)) return true;
      }
    }
    return false;
  }

  #forgetPod(name: string, known: KnownPod | undefined): void {
    if (!known) return;
    this.#pods.delete(name);
    for (const key of known.keys) {
      change(this.#needs, known.node, key, -1);
      if (key.startsWith(claimPrefix)) change(this.#claims, known.node, key.slice(claimPrefix.length), -1);
    }
  }
}

const claimPrefix = 'persistentvolumeclaims/';

function change(counts: Map<string, Map<string, number>>, node: string, key: string, by: 1 | -1): void {
  let own = counts.get(node);
  if (!own) {
    own = new Map();
    counts.set(node, own);
  }
  const count = (own.get(key) ?? 0) + by;
  if (count > 0) own.set(key, count);
  else own.delete(key);
  if (own.size === 0) counts.delete(node);
}

const sameKeys = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((key) => b.has(key));
