import { type NamespaceCondition, setCondition } from '@keelson/core';
import type { ContentKind } from './content-kinds.ts';

/** What is left of a kind after everything of it was told to go. */
export interface Remaining {
  readonly kind: ContentKind;
  readonly count: number;
  /** How many objects wear each finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface DeletionProgress {
  readonly discoveryFailures: readonly string[];
  readonly deletionFailures: readonly string[];
  readonly remaining: readonly Remaining[];
}

/** The five conditions by which a terminating namespace says what it waits for. */
export function deletionConditions(
  conditions: readonly NamespaceCondition[],
  progress: DeletionProgress,
  timestamp: string,
): readonly NamespaceCondition[] {
  const { discoveryFailures, deletionFailures } = progress;
  const remaining = remainingText(progress.remaining);
  const finalizers = finalizersText(progress.remaining);
  const states: readonly (readonly [type: string, failed: boolean, reason: string, message: string])[] = [
    discoveryFailures.length === 0
      ? ['NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered']
      : [
          'NamespaceDeletionDiscoveryFailure',
          true,
          'DiscoveryFailed',
          `Discovery failed for some groups, ${discoveryFailures.length} failing: ${discoveryFailures.join(', ')}`,
        ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    deletionFailures.length === 0
      ? [
          'NamespaceDeletionContentFailure',
          false,
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        ]
      : [
          'NamespaceDeletionContentFailure',
          true,
          'ContentDeletionFailed',
          `Failed to delete all resource types, ${deletionFailures.length} remaining: ${deletionFailures.join(', ')}`,
        ],
    remaining === ''
      ? ['NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed']
      : ['NamespaceContentRemaining', true, 'SomeResourcesRemain', `Some resources are remaining: ${remaining}`],
    finalizers === ''
      ? ['NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished']
      : [
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${finalizers}`,
        ],
  ];
  return states.reduce<readonly NamespaceCondition[]>(
    (list, [type, failed, reason, message]) =>
      setCondition(list, { type, status: failed ? 'True' : 'False', reason, message }, timestamp),
    conditions,
  );
}

function remainingText(remaining: readonly Remaining[]): string {
  return remaining
    .map(({ kind, count }) => `${kind.resource}.${kind.group} has ${count} resource instances`)
    .sort()
    .join(', ');
}

function finalizersText(remaining: readonly Remaining[]): string {
  const counts = new Map<string, number>();
  for (const { finalizers } of remaining) {
    for (const [name, count] of finalizers) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return [...counts]
    .map(([name, count]) => `${name} in ${count} resource instances`)
    .sort()
    .join(', ');
}
