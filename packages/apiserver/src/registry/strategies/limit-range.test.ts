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

// As a real v1.35.4 answers.
it.each([
  ['hugepages-2Mi', '2Mi', '4Mi', 422],
  ['hugepages-2Mi', '2097152', '2Mi', 201],
  ['example.com/gpu', '2097152', '2Mi', 201],
  ['example.com/gpu', '1', '2', 422],
  ['cpu', '1', '2', 201],
])('what cannot be given twice has one default: %s %s %s → %i', async (name, request, limit, expected) => {
  const ask = await askRegistry();
  const path = '/api/v1/namespaces/default/limitranges';
  const limits = [{ type: 'Container', defaultRequest: { [name]: request }, default: { [name]: limit } }];
  const body = { metadata: { name: 'x' }, spec: { limits } };
  const outcome = await ask({ method: 'POST', path, dryRun: false, body });
  expect(outcome.code).toBe(expected);
  if (expected === 422)
    expect(JSON.stringify(outcome)).toContain(
      `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
    );
});
