import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject, merged } from '../json.ts';
import { enriched } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const json6902 = { 'content-type': 'application/json-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object as `kubectl apply` sends it: with the text of what was applied. */
const told = (object: JsonObject, text = `${JSON.stringify(object)}\n`): JsonObject => {
  const result = merged(object, { metadata: { annotations: { [annotation]: text } } });
  return isObject(result) ? result : object;
};

/** An object of kubectl's client-side apply that is taken over by server-side apply, and back. */
export const takeover: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const path = itemPath(kind);
  const labels = (more: JsonObject) => {
    const result = merged(base, { metadata: { labels: more } });
    return isObject(result) ? result : base;
  };
  const variants = [base, labels({ l: '1' }), labels({ l: '2', m: '1' }), enriched(kind, rng, base, 1)];
  const csa = {
    fieldManager: rng.pick(['kubectl-client-side-apply', 'kubectl-client-side-apply', 'before', 'kubectl']),
  };
  const applied = (object: JsonObject, query: Record<string, string> = {}): Step => ({
    method: 'PATCH',
    path,
    headers: apply,
    query: { fieldManager: 'kubectl', ...query },
    json: object,
  });
  const wrongTexts = [
    '',
    'x',
    '{}',
    '[]',
    'null',
    '{"apiVersion":"v9","kind":"X"}',
    '{"metadata":1}',
    '{"unknownField":1}',
  ];
  const first = rng.pick(variants);
  const steps: Step[] = [
    post(kind, told(first, rng.bool(0.12) ? rng.pick(wrongTexts) : undefined), { query: csa }),
    ...(rng.bool(0.2) ? [{ method: 'POST', path: path.slice(0, path.lastIndexOf('/')), json: base } as const] : []),
  ];
  for (let i = 0; i < 5; i++) {
    const object = rng.pick(variants);
    steps.push(
      rng.pick<() => Step>([
        () => applied(object),
        () => applied(object),
        () => applied(object, { force: 'true' }),
        () => applied(object, { dryRun: 'All' }),
        () => applied(told(object)),
        () => ({ ...applied(object), query: { fieldManager: rng.pick(['kubectl-client-side-apply', 'other']) } }),
        () => ({ method: 'PATCH', path, headers: strategic, query: csa, json: { metadata: { labels: { l: '3' } } } }),
        () => ({
          method: 'PATCH',
          path,
          headers: rng.pick([merge, strategic]),
          query: csa,
          json: told(object),
        }),
        () => ({
          method: 'PATCH',
          path,
          headers: merge,
          query: { fieldManager: rng.pick(['kubectl-edit', 'kubectl']) },
          json: { metadata: { labels: rng.pick<Json>([{ l: '4' }, { m: '4' }, { n: '4' }, { l: null }]) } },
        }),
        () => ({
          method: 'PATCH',
          path,
          headers: merge,
          json: { metadata: { annotations: { [annotation]: rng.pick<Json>([null, ...wrongTexts]) } } },
        }),
        // As kubectl moves what it owned by client-side apply to server-side apply.
        () => ({
          method: 'PATCH',
          path,
          headers: json6902,
          query: { fieldManager: 'kubectl' },
          json: [
            {
              op: 'replace',
              path: '/metadata/managedFields',
              value: [
                {
                  manager: 'kubectl',
                  operation: 'Apply',
                  apiVersion: kind.apiVersion,
                  time: '2026-01-02T03:04:05Z',
                  fieldsType: 'FieldsV1',
                  fieldsV1: {
                    'f:metadata': { 'f:labels': { '.': {}, 'f:twin': {}, 'f:l': {} }, 'f:annotations': { '.': {} } },
                  },
                },
              ],
            },
            { op: 'replace', path: '/metadata/resourceVersion', value: '{{made:metadata.resourceVersion}}' },
          ],
        }),
      ])(),
    );
  }
  steps.push(applied(first), applied(base, { force: 'true' }), { method: 'GET', path });
  return steps;
};
