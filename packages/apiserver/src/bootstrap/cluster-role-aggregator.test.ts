import { readFileSync } from 'node:fs';
import { ClusterRole } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

// Every expectation is what a real Kubernetes 1.35.4 with its controllers came to after the same steps.
let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer();
});
afterAll(() => server.stop());

const rule = (verb: string) => ({ apiGroups: ['twin.example.com'], resources: ['things'], verbs: [verb] });
const create = (
  name: string,
  labels: Record<string, string>,
  verbs: readonly string[],
  clusterRoleSelectors?: readonly object[],
) =>
  server.client.create(ClusterRole, {
    metadata: { name, labels },
    rules: verbs.map(rule),
    ...(clusterRoleSelectors && { aggregationRule: { clusterRoleSelectors } }),
  });
const patch = (name: string, merge: object) => server.client.patch(ClusterRole, { name }, { merge });

/** The verbs that the two aggregating roles come to. */
async function become(sum: readonly string[] | undefined, outer: readonly string[] | undefined): Promise<void> {
  const verbsOf = async (name: string) =>
    (await server.client.get(ClusterRole, { name })).rules?.flatMap(({ verbs }) => verbs);
  await waitFor(
    async () => JSON.stringify([await verbsOf('sum'), await verbsOf('outer')]) === JSON.stringify([sum, outer]),
  );
}

const managersOf = async (name: string) =>
  (await server.client.get(ClusterRole, { name })).metadata.managedFields?.map(({ manager, fieldsV1 }) => [
    manager,
    'f:rules' in (fieldsV1 ?? {}),
  ]);

it('follows labels, rules and selectors, through other roles too', async () => {
  await create(
    'sum',
    { outer: 'x' },
    ['own'],
    [{ matchLabels: { two: 'x' } }, { matchExpressions: [{ key: 'one', operator: 'In', values: ['x', 'y'] }] }],
  );
  await create('outer', {}, [], [{ matchLabels: { outer: 'x' } }]);
  // What somebody has written stays as long as there is nothing to aggregate.
  await become(['own'], ['own']);
  expect(await managersOf('sum')).toEqual([['unknown', true]]);
  await create('b', { one: 'y' }, ['get', 'list']);
  await create('a', { one: 'x', two: 'x' }, ['list', 'watch']);
  await become(['list', 'watch', 'get'], ['list', 'watch', 'get']);
  expect(await managersOf('sum')).toEqual([
    ['clusterrole-aggregation-controller', true],
    ['unknown', false],
  ]);
  await patch('b', { metadata: { labels: { one: 'z' } } });
  await become(['list', 'watch'], ['list', 'watch']);
  await patch('sum', { rules: [rule('mine')] });
  await become(['list', 'watch'], ['list', 'watch']);
  await patch('sum', { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { outer: 'x' } }] } });
  await become(undefined, undefined);
  await patch('sum', { aggregationRule: null });
  await become(undefined, undefined);
});

it('has aggregated what every cluster has before the server counts as ready', async () => {
  const recorded = z
    .record(z.string(), z.array(z.looseObject({})))
    .parse(JSON.parse(readFileSync(new URL('./recorded-aggregation.json', import.meta.url), 'utf8')));
  const fresh = await startTestApiServer();
  const found = await Promise.all(
    Object.keys(recorded).map(async (name) => [name, (await fresh.client.get(ClusterRole, { name })).rules]),
  );
  await fresh.stop();
  expect(Object.fromEntries(found)).toEqual(recorded);
});
