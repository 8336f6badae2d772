import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { plausible, randomPlace, violation, withValue } from '../values.ts';
import { patchAt } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const patchTypes = ['application/merge-patch+json', 'application/strategic-merge-patch+json'] as const;

/** What can be sent to subresources that are no view of the object itself. */
const bodies: Readonly<Record<string, readonly Json[]>> = {
  binding: [
    { apiVersion: 'v1', kind: 'Binding', metadata: { name: '{{id}}-a' }, target: { kind: 'Node', name: 'n' } },
    { metadata: { name: '{{id}}-a', annotations: { a: 'b' }, labels: { c: 'd' } }, target: { name: 'n' } },
    { metadata: { name: 'other' }, target: { kind: 'Node', name: 'n' } },
    { metadata: { name: '{{id}}-a' }, target: { kind: 'Pod', name: 'n' } },
    { metadata: { name: '{{id}}-a' }, target: { kind: 'Node' } },
    {
      metadata: { name: '{{id}}-a', uid: '11111111-2222-3333-4444-555555555555' },
      target: { kind: 'Node', name: 'n' },
    },
    {},
  ],
  eviction: [
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: '{{id}}-a' } },
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: '{{id}}-a' }, deleteOptions: { dryRun: ['All'] } },
    {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: '{{id}}-a' },
      deleteOptions: { gracePeriodSeconds: 0 },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: '{{id}}-a' },
      deleteOptions: { preconditions: { resourceVersion: '1' } },
    },
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'other' } },
    { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: '{{id}}-a' } },
    {},
  ],
  token: [
    { spec: { audiences: ['x'], expirationSeconds: 600 } },
    { spec: { expirationSeconds: 1 } },
    { spec: { audiences: [], expirationSeconds: 4294967297 } },
    { spec: {} },
    {},
    { spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } } },
    { spec: { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'none' } } },
    { metadata: { name: 'other' }, spec: { audiences: ['x'] } },
  ],
};

function stepsFor(kind: Kind, subresource: string, verbs: readonly string[], rng: Rng): Step[] {
  const path = `${itemPath(kind)}/${subresource}`;
  const steps: Step[] = [];
  const changes = (): JsonObject => {
    if (subresource === 'scale') return { spec: { replicas: rng.pick<Json>([0, 1, 5, -1, 'x', null]) } };
    if (subresource === 'ephemeralcontainers')
      return {
        spec: {
          ephemeralContainers: [
            rng.pick<Json>([
              { name: 'e', image: 'i' },
              { name: 'c', image: 'i' },
              { name: 'e' },
              { name: 'e', image: 'i', ports: [{ containerPort: 80 }] },
              { name: 'e', image: 'i', targetContainerName: 'c' },
              { name: 'e', image: 'i', resources: { limits: { cpu: '1' } } },
            ]),
          ],
        },
      };
    if (subresource === 'resize')
      return {
        spec: {
          containers: [
            {
              name: rng.pick(['c', 'd']),
              image: 'example.com/image:1',
              resources: rng.pick<Json>([{ limits: { cpu: '1' } }, { requests: { cpu: '100m', memory: '1Gi' } }, {}]),
            },
          ],
        },
      };
    if (subresource === 'approval')
      return {
        status: {
          conditions: [
            rng.pick<Json>([
              { type: 'Approved', status: 'True', reason: 'R' },
              { type: 'Denied', status: 'True' },
              { type: 'Approved', status: 'False' },
              { type: 'Other', status: 'True' },
              { type: 'Failed', status: 'True' },
            ]),
          ],
        },
      };
    if (subresource === 'finalize')
      return { spec: { finalizers: rng.pick<Json>([[], ['kubernetes'], ['example.com/f'], ['bad']]) } };
    const place = randomPlace(kind.definition, rng, { stop: 0.2, status: rng.bool(0.85) });
    if (!place) return { status: {} };
    return patchAt(
      place.path,
      rng.bool(0.75) ? plausible(place.schema, place.name, rng) : (violation(place, rng) ?? null),
    );
  };
  for (let i = 0; i < 3; i++) {
    const verb = rng.pick(verbs.filter((each) => ['get', 'update', 'patch', 'create'].includes(each)));
    if (verb === 'get') steps.push({ id: `read${subresource}`, method: 'GET', path });
    else if (verb === 'create') {
      const body = rng.pick(bodies[subresource] ?? [{}]);
      steps.push({
        method: 'POST',
        path,
        json: structuredClone(body),
        ...(rng.bool(0.2) && { query: { dryRun: 'All' } }),
      });
    } else if (verb === 'update') {
      const whole = subresource === 'scale' ? `read${subresource}` : 'made';
      if (subresource === 'scale') steps.push({ id: whole, method: 'GET', path });
      steps.push({
        method: 'PUT',
        path,
        from: { step: whole, merge: rng.bool(0.7) ? { ...changes(), metadata: { resourceVersion: null } } : changes() },
      });
    } else {
      const content = rng.pick(patchTypes);
      steps.push({
        method: 'PATCH',
        path,
        headers: { 'content-type': content },
        json: changes(),
        ...(rng.bool(0.3) && { query: { fieldManager: 'm' } }),
      });
    }
  }
  return steps;
}

/** Subresources that answer without a node behind them. */
const skipped = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

/** status, scale, eviction, binding, token, approval, finalize, ephemeralcontainers, resize. */
export const subresources: Scenario = (kind, rng) => {
  const names = [...kind.subresources].filter(([name, verbs]) => !skipped.has(name) && verbs.length > 0);
  const object = objectOf(kind);
  if (!object || names.length === 0) return undefined;
  const steps: Step[] = [post(kind, object)];
  for (let i = 0; i < 2; i++) {
    const [name, verbs] = rng.pick(names);
    steps.push(...stepsFor(kind, name, verbs, rng));
  }
  steps.push({ method: 'GET', path: itemPath(kind) });
  if (kind.subresources.has('status') && rng.bool(0.3)) {
    // What a create says about status is not taken.
    const place = randomPlace(kind.definition, rng, { stop: 0.2, status: true });
    if (place)
      steps.push({
        method: 'PUT',
        path: itemPath(kind),
        json: withValue(object, kind.definition, place.path, plausible(place.schema, place.name, rng)),
      });
  }
  return steps;
};
