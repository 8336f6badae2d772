import { describe, expect, it } from 'vitest';
import { deployment, replicaSet } from '../pod-control/test-objects.ts';
import { findRollout, newReplicaSet, replicaSetName } from './new-replica-set.ts';
import { beyondHistory, nextRevision, revisionAnnotations } from './revisions.ts';

const revision = (value: string, history?: string) => ({
  'deployment.kubernetes.io/revision': value,
  ...(history && { 'deployment.kubernetes.io/revision-history': history }),
});

describe('revisions', () => {
  it('count up from the old ReplicaSets', () => {
    expect(nextRevision([])).toBe(1n);
    const old = [
      replicaSet('a', 0, { annotations: revision('3') }),
      replicaSet('b', 0, { annotations: revision('7') }),
    ];
    expect(nextRevision(old)).toBe(8n);
    // Beyond what a double can hold.
    const wide = replicaSet('wide', 1, { annotations: { 'deployment.kubernetes.io/revision': '3546343826724305832' } });
    expect(nextRevision([wide])).toBe(3546343826724305833n);
  });

  it('are remembered when a ReplicaSet becomes the new one again', () => {
    const wanted = deployment(3, {
      metadata: { annotations: { foo: 'bar', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
    });
    expect(revisionAnnotations(wanted, {}, 1n)).toEqual({ foo: 'bar', ...revision('1') });
    expect(revisionAnnotations(wanted, revision('1'), 3n)).toEqual({ foo: 'bar', ...revision('3', '1') });
    expect(revisionAnnotations(wanted, revision('3', '1'), 5n)).toEqual({ foo: 'bar', ...revision('5', '1,3') });
    expect(revisionAnnotations(wanted, revision('5'), 5n)).toEqual({ foo: 'bar', ...revision('5') });
  });

  it('beyond the limit go, oldest first, unless they have pods', () => {
    const old = [
      replicaSet('busy', 1, { annotations: revision('1') }),
      replicaSet('three', 0, { annotations: revision('3') }),
      replicaSet('two', 0, { annotations: revision('2') }),
      replicaSet('four', 0, { annotations: revision('4') }),
    ];
    const wanted = deployment(3, { spec: { revisionHistoryLimit: 1 } });
    expect(beyondHistory(wanted, old).map(({ metadata }) => metadata.name)).toEqual(['two', 'three']);
    expect(beyondHistory(deployment(3), old)).toEqual([]);
  });
});

describe('the new ReplicaSet', () => {
  it('is the one with the same template, whatever its hash', () => {
    const wanted = deployment(3);
    const same = replicaSet('web-1', 3);
    const labelled = {
      ...same.spec.template,
      metadata: { name: '', labels: { app: 'web', 'pod-template-hash': 'x' } },
    };
    const current = { ...same, spec: { ...same.spec, template: labelled } };
    const other = replicaSet('web-2', 3, { image: 'image:2' });
    expect(findRollout(wanted, [other, current])).toEqual({ current, old: [other] });
    expect(findRollout(wanted, [other])).toEqual({ current: undefined, old: [other] });
  });

  it('is named by the hash of the template, which also selects its pods', () => {
    const wanted = deployment(3);
    const made = newReplicaSet(wanted, { revision: 1n, replicas: 3 });
    const hash = made.metadata.labels?.['pod-template-hash'];
    expect(made.metadata.name).toBe(`web-${hash}`);
    expect(made.spec.selector).toEqual({ matchLabels: { app: 'web', 'pod-template-hash': hash } });
    expect(made.spec.template?.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(made.metadata.annotations).toEqual({
      ...revision('1'),
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    expect(replicaSetName(wanted, 1)).not.toBe(made.metadata.name);
  });
});
