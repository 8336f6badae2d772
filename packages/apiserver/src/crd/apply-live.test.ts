import { CustomResourceDefinition, type ResourceType } from '@keelson/core';
import { expect, it } from 'vitest';
import { startTestApiServer } from '../server/start-test-api-server.ts';

const Thing: ResourceType = {
  group: 'live.example.com',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
};
const ref = { name: 'a', namespace: 'default' };
const definition = (open: object) => ({
  metadata: { name: 'things.live.example.com' },
  spec: {
    group: 'live.example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { open } } } } },
      },
    ],
  },
});

// As a real API server (v1.35.4) answers in the twin's seed 1, case 1167.
it('an apply does not go over an object that is not as its type says by now', async () => {
  const { client, stop } = await startTestApiServer();
  try {
    await client.create(CustomResourceDefinition, definition({ type: 'string' }));
    const spec = { open: 'text' };
    await expect
      .poll(() =>
        client.create(Thing, { metadata: ref, spec } as never).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    const now = await client.get(CustomResourceDefinition, { name: 'things.live.example.com' });
    const changed = definition({ type: 'array', items: { type: 'string' } }).spec;
    await client.update(CustomResourceDefinition, { ...now, spec: changed });
    const apply = { metadata: ref, spec: {} };
    const attempt = () =>
      client.patch(Thing, ref, { apply, fieldManager: 'one', force: true }).then(
        () => 'taken',
        (error: unknown) => String(error),
      );
    await expect
      .poll(attempt)
      .toContain(
        'failed to create typed live object (default/a; live.example.com/v1, Kind=Thing): .spec.open: expected list, got &{text}',
      );
  } finally {
    await stop();
  }
});
