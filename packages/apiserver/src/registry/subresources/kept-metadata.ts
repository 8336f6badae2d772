import type { ObjectMeta } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';

const ofMain = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** What a part of a Pod leaves of the metadata it was sent: all but what the main resource alone may change. */
export function keptMetadata({ metadata: wanted }: ObjectDraft, old: Draft<ObjectMeta>): Draft<ObjectMeta> {
  const kept: Draft<ObjectMeta> = { ...wanted };
  for (const field of ofMain) delete kept[field];
  const { labels, annotations, finalizers, ownerReferences } = old;
  if (labels) kept.labels = labels;
  if (annotations) kept.annotations = annotations;
  if (finalizers) kept.finalizers = finalizers;
  if (ownerReferences) kept.ownerReferences = ownerReferences;
  return kept;
}
