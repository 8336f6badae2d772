import { objectOf, severalNames } from '../bases.ts';
import type { Step } from '../case.ts';
import { collection, type Kind } from '../kinds.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const suffixes = ['a', 'b', 'c', 'd'] as const;

function several(kind: Kind): Step[] | undefined {
  if (!severalNames(kind) || !kind.verbs.includes('list')) return undefined;
  const steps: Step[] = [];
  for (const [index, suffix] of suffixes.entries()) {
    const object = objectOf(kind, suffix, {
      labels: { twin: '{{id}}', tier: suffix, half: index < 2 ? 'first' : 'second' },
    });
    if (!object) return undefined;
    steps.push(post(kind, object, { id: `made${suffix}` }));
  }
  return steps;
}

const labelSelectors = [
  'twin={{id}}',
  'twin={{id}},tier=a',
  'twin=={{id}},tier!=a',
  'twin={{id}},tier in (a,b)',
  'twin={{id}},tier notin (a, b)',
  'twin={{id}},tier',
  'twin={{id}},!tier',
  'twin={{id}},none',
  'twin={{id}},half=first,tier=b',
  'twin={{id}},',
  'twin=,',
  '=x',
  'a in b',
  'a in ()',
  'twin={{id}},tier>a',
  'twin={{id}},tier>1',
  'bad key!=x',
  'a=bad value!',
  'a b',
  '!',
  'twin={{id}},a/b/c=d',
  '(a)',
  'a in (b',
  'twin={{id}},tier=a,tier=b',
];
const fieldSelectors = [
  'metadata.name={{id}}-a',
  'metadata.name!={{id}}-a',
  'metadata.name=={{id}}-b',
  'metadata.namespace={{ns}}',
  'metadata.namespace!={{ns}}',
  'metadata.name={{id}}-a,metadata.name={{id}}-b',
  'status.phase=Pending',
  'spec.nodeName=',
  'spec.nodeName!=x',
  'status.phase!=Running',
  'type=Opaque',
  'type!=Opaque',
  'involvedObject.name=p',
  'reason=R',
  'status.replicas=0',
  'spec.unschedulable=false',
  'status.successful=0',
  'metadata.labels=a',
  'spec=x',
  'x',
  '=',
  'metadata.name',
  'metadata.name in (a)',
  'metadata.uid=x',
  'spec.clusterIP=None',
  'spec.type=ClusterIP',
  'spec.restartPolicy=Always',
  'spec.driver=d.example.com',
  'spec.signerName=example.com/signer',
  'spec.nodeName=n',
  'spec.schedulerName=default-scheduler',
  'spec.serviceAccountName=',
  'spec.hostNetwork=false',
  'status.podIP=',
  'status.nominatedNodeName=',
  'parentRef.name=s',
  'spec.parentRef.name=s',
];

/** Label and field selectors, good and bad, on lists and on deletecollection. */
export const selectors: Scenario = (kind, rng) => {
  const steps = several(kind);
  if (!steps) return undefined;
  for (let i = 0; i < 6; i++) {
    const byField = rng.bool();
    const query: Record<string, string> & { labelSelector: string } = byField
      ? { fieldSelector: rng.pick(fieldSelectors), labelSelector: 'twin={{id}}' }
      : { labelSelector: rng.pick(labelSelectors) };
    // A cluster's own objects are not the same on both sides: ask only with the case's label.
    const own = kind.namespaced || query.labelSelector.includes('{{id}}') || /[^\w=,]/.test(query.labelSelector);
    steps.push({ method: 'GET', path: collection(kind), query: own ? query : { labelSelector: 'twin={{id}}' } });
  }
  if (kind.verbs.includes('deletecollection'))
    steps.push(
      { method: 'DELETE', path: collection(kind), query: { labelSelector: 'twin={{id}},half=first' } },
      { method: 'GET', path: collection(kind), query: { labelSelector: 'twin={{id}}' } },
    );
  return steps;
};

/** Pages with limit and continue, changes between them. */
export const pages: Scenario = (kind, rng) => {
  const steps = several(kind);
  if (!steps) return undefined;
  const query = { labelSelector: 'twin={{id}}' };
  // With a selector the server reads in chunks of its own; without one, in a namespace, the pages are exact.
  const filter = kind.namespaced && rng.bool(0.7) ? {} : query;
  const limit = rng.pick(['1', '2', '3', '4', '10', '0', '-1', 'x']);
  const path = collection(kind);
  steps.push({ id: 'page', method: 'GET', path, query: { ...filter, limit } });
  if (rng.bool(0.5)) steps.push({ method: 'DELETE', path: itemPath(kind, 'c') });
  steps.push({ id: 'next', method: 'GET', path, query: { ...filter, limit, continue: '{{page:metadata.continue}}' } });
  steps.push(
    rng.pick<Step>([
      { method: 'GET', path, query: { ...filter, limit, continue: '{{next:metadata.continue}}' } },
      { method: 'GET', path, query: { ...filter, continue: '{{page:metadata.continue}}' } },
      {
        method: 'GET',
        path,
        query: {
          ...filter,
          limit,
          continue: '{{page:metadata.continue}}',
          resourceVersion: '{{page:metadata.resourceVersion}}',
        },
      },
      {
        method: 'GET',
        path,
        query: { ...filter, limit, continue: '{{page:metadata.continue}}', resourceVersion: '0' },
      },
      { method: 'GET', path, query: { ...filter, limit, continue: 'bad token' } },
      {
        method: 'GET',
        path,
        query: { ...filter, limit, continue: 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0' },
      },
      { method: 'GET', path, query: { ...filter, limit, resourceVersion: '0' } },
      {
        method: 'GET',
        path,
        query: {
          ...filter,
          limit,
          resourceVersion: '{{madeb:metadata.resourceVersion}}',
          resourceVersionMatch: 'Exact',
        },
      },
      {
        method: 'GET',
        path,
        query: {
          ...filter,
          limit,
          resourceVersion: '{{madeb:metadata.resourceVersion}}',
          resourceVersionMatch: 'NotOlderThan',
        },
      },
    ]),
  );
  return steps;
};

const versions = [
  undefined,
  '',
  '0',
  '1',
  '{{madea:metadata.resourceVersion}}',
  '{{maded:metadata.resourceVersion}}',
  '99999999999',
  'x',
  '-1',
  '1.5',
] as const;
const matches = [undefined, '', 'Exact', 'NotOlderThan', 'Other'] as const;

/** The matrix of resourceVersion, resourceVersionMatch, limit, for get, list and watch. */
export const versionMatrix: Scenario = (kind, rng) => {
  const steps = several(kind);
  if (!steps) return undefined;
  for (let i = 0; i < 6; i++) {
    const [resourceVersion, resourceVersionMatch, limit] = [
      rng.pick(versions),
      rng.pick(matches),
      rng.pick([undefined, undefined, '2']),
    ];
    const query: Record<string, string> = {
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(resourceVersionMatch !== undefined && { resourceVersionMatch }),
      ...(limit !== undefined && { limit }),
    };
    const which = rng.int(4);
    if (which === 0) steps.push({ method: 'GET', path: itemPath(kind), query });
    else if (which === 1 && resourceVersion !== '1')
      steps.push({
        method: 'GET',
        path: collection(kind),
        query: {
          ...query,
          labelSelector: 'twin={{id}}',
          watch: '1',
          ...(rng.bool(0.5) && { sendInitialEvents: rng.pick(['true', 'false', 'x']) }),
          ...(rng.bool(0.7) && { allowWatchBookmarks: 'true' }),
          ...(rng.bool(0.3) && { timeoutSeconds: rng.pick(['1', '0', '-1', 'x']) }),
        },
        watch: true,
      });
    else steps.push({ method: 'GET', path: collection(kind), query: { ...query, labelSelector: 'twin={{id}}' } });
  }
  return steps;
};
