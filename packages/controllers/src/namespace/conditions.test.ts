import { expect, it } from 'vitest';
import { deletionConditions } from './conditions.ts';
import { contentKinds } from './content-kinds.ts';

const kind = (resource: string) => ({ group: '', version: 'v1', resource });

it('says what remains, and what keeps it', () => {
  const stuck = {
    discoveryFailures: [],
    deletionFailures: [],
    remaining: [
      { kind: kind('secrets'), count: 1, finalizers: new Map([['example.com/b', 1]]) },
      {
        kind: kind('configmaps'),
        count: 2,
        finalizers: new Map([
          ['example.com/x', 2],
          ['example.com/b', 1],
        ]),
      },
    ],
  };
  const conditions = deletionConditions([], stuck, 't1');
  expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered'],
    ['NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions'],
    ['NamespaceDeletionContentFailure', 'False', 'ContentDeleted'],
    ['NamespaceContentRemaining', 'True', 'SomeResourcesRemain'],
    ['NamespaceFinalizersRemaining', 'True', 'SomeFinalizersRemain'],
  ]);
  expect(conditions[3]?.message).toBe(
    'Some resources are remaining: configmaps. has 2 resource instances, secrets. has 1 resource instances',
  );
  expect(conditions[4]?.message).toBe(
    'Some content in the namespace has finalizers remaining: example.com/b in 2 resource instances, example.com/x in 2 resource instances',
  );
  const done = deletionConditions(conditions, { ...stuck, remaining: [] }, 't2');
  expect(done.map(({ status, lastTransitionTime }) => [status, lastTransitionTime])).toEqual([
    ['False', 't1'],
    ['False', 't1'],
    ['False', 't1'],
    ['False', 't2'],
    ['False', 't2'],
  ]);
});

it('deletes what is namespaced and can be deleted together', () => {
  const verbs = ['list', 'deletecollection'];
  const resources = [
    { name: 'pods', namespaced: true, verbs },
    { name: 'pods/log', namespaced: true, verbs: ['get'] },
    { name: 'nodes', namespaced: false, verbs },
    { name: 'localsubjectaccessreviews', namespaced: true, verbs: ['create'] },
  ];
  expect(contentKinds('', 'v1', resources)).toEqual([kind('pods')]);
});
