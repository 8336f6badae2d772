import type { OwnerReference } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { decideOwnership } from './ownership.ts';
import { pod, replicaSet } from './test-objects.ts';

const reference = (uid: string): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: uid,
  uid,
  controller: true,
});
const owner = replicaSet('rs', 1);
const selector = { matchLabels: { app: 'web' } };
const labels = { app: 'web' };
const names = (pods: readonly { metadata: { name: string } }[]) => pods.map((each) => each.metadata.name);

describe('decideOwnership', () => {
  const candidates = [
    pod('mine', { metadata: { labels, ownerReferences: [reference('uid-rs')] } }),
    pod('relabelled', { metadata: { labels: { app: 'x' }, ownerReferences: [reference('uid-rs')] } }),
    pod('foreign', { metadata: { labels, ownerReferences: [reference('other')] } }),
    pod('orphan', { metadata: { labels } }),
    pod('dying', { metadata: { labels, deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    pod('stranger', { metadata: { labels: {} } }),
  ];

  it('keeps, adopts and releases by selector', () => {
    const { owned, adopt, release } = decideOwnership(owner, selector, candidates);
    expect([names(owned), names(adopt), names(release)]).toEqual([['mine'], ['orphan'], ['relabelled']]);
  });

  it('neither adopts nor releases while the owner goes away', () => {
    const leaving = { ...owner, metadata: { ...owner.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const { owned, adopt, release } = decideOwnership(leaving, selector, candidates);
    expect([names(owned), adopt, release]).toEqual([['mine'], [], []]);
  });
});
