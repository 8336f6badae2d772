import type { LimitRange } from '@keelson/core';
import { expect, it } from 'vitest';
import { askRegistry } from '../answers/ask-registry.ts';

it('a limit range without a name is given a UUID', async () => {
  const ask = await askRegistry();
  const path = '/api/v1/namespaces/default/limitranges';
  const { code, object } = await ask({ method: 'POST', path, dryRun: false, body: { spec: { limits: [] } } });
  expect(code).toBe(201);
  const { name, uid } = (object as LimitRange).metadata;
  expect(name).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(name).not.toBe(uid);
});
