import { testCluster } from '@keelson/apiserver/testing';
import { ConfigMap, defineOperator, Secret } from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { expect, it } from 'vitest';

it('a test cluster tells what costs too much, with the line that does it', async () => {
  let runs = 0;
  const restless = defineOperator({
    name: 'restless',
    for: Secret,
    owns: [ConfigMap],
    async reconcile({ metadata }, { apply, track, client }) {
      runs += 1;
      await apply(ConfigMap, { metadata: { name: 'copy' }, data: { of: metadata.name } });
      if (runs > 60) return;
      const annotations = { 'example.com/runs': String(runs) };
      await track(client).patch(Secret, metadata, { merge: { metadata: { annotations } } });
    },
    uses: [{ type: Secret, verbs: ['patch'] }],
  });
  await using cluster = await testCluster({ plugins: [restless as AnyPlugin] });
  await cluster.client.create(Secret, { metadata: { name: 'a', namespace: 'default' } });
  await cluster.waitFor(() => runs > 60);
  await cluster.waitFor(() => cluster.warnings.length > 0);
  const [warning, ...more] = cluster.warnings.filter((each) => each.kind !== 'blocked-event-loop');
  expect(more).toEqual([]);
  expect(warning).toMatchObject({ kind: 'hot-loop' });
  expect(warning?.place).toMatch(/^packages\/keelson\/test\/warnings\.test\.ts:\d+$/);
  expect(warning?.message).toContain('which changes metadata.annotations["example.com/runs"] each time');
});
