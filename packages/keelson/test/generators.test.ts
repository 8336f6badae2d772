import { startTestApiServer, type TestApiServer } from '@keelson/apiserver';
import {
  atomic,
  type Client,
  CustomResourceDefinition,
  createClient,
  defineResource,
  httpTransport,
  installCrd,
  isStatusError,
  loadKubeconfig,
  mapList,
  type ResourceType,
  setList,
  withRules,
} from '@keelson/core';
import { invalidObjectsOf, objectsOf } from '@keelson/core/testing/generators';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const port = z.object({
  name: z.string().max(9),
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['TCP', 'UDP']).default('TCP'),
});
/** One of everything that a schema can say. */
const Everything = defineResource({
  group: 'generators.keelson.dev',
  version: 'v1',
  kind: 'Everything',
  spec: z.object({
    name: z.string().min(1).max(20),
    slug: z
      .string()
      .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/)
      .max(30),
    twice: z
      .string()
      .regex(/^[a-z0-9]+$/)
      .regex(/[0-9]/)
      .optional(),
    colour: z.enum(['red', 'green']).default('red'),
    mode: z.literal('fast').optional(),
    size: z.int().min(0).max(50).default(2),
    even: z.int().multipleOf(2).min(-10).optional(),
    small: z.int32().optional(),
    large: z.int().optional(),
    ratio: z.number().gt(0).lt(1).optional(),
    half: z.number().min(0.5).lt(99.5).optional(),
    step: z.number().multipleOf(0.5).optional(),
    on: z.boolean().default(false),
    nothing: z.string().nullable().optional(),
    port: z.union([z.int(), z.string()]).optional(),
    mail: z.email().optional(),
    when: z.iso.datetime().optional(),
    day: z.iso.date().optional(),
    id: z.uuid().optional(),
    url: z.url().optional(),
    ip: z.ipv4().optional(),
    ip6: z.ipv6().optional(),
    data: z.base64().optional(),
    duration: z.iso.time().optional(),
    list: z.array(z.string()).min(1).max(3).optional(),
    set: setList(z.string().max(5)).max(5).optional(),
    ports: mapList(port, 'port', 'protocol').max(4).default([]),
    matrix: z.array(z.array(z.int())).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    selector: atomic(z.record(z.string(), z.int())).optional(),
    anything: z.unknown().optional(),
    loose: z.looseObject({ known: z.string() }).optional(),
    nested: z
      .object({ deep: z.object({ deeper: z.boolean().default(true), must: z.string() }).optional() })
      .prefault({}),
    range: withRules(z.object({ min: z.int(), max: z.int() }), { rule: 'self.min <= self.max' }).optional(),
  }),
  status: z.object({ seen: z.string() }),
});
const given = {
  'spec.step': fc.integer({ min: -99, max: 99 }).map((each) => each / 2),
  'spec.half': fc.constantFrom(0.5, 1, 7, 99, 99.25),
  'spec.range': fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
};
const untyped: ResourceType = Everything;
const runs = Number(process.env['KEELSON_TEST_RUNS'] ?? 1_000);
const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

describe.each([['Keelson'], ...(kubeconfig ? [['Kubernetes']] : [])])('generated objects on %s', (which) => {
  let server: TestApiServer | undefined;
  let client: Client;
  beforeAll(async () => {
    if (which === 'Kubernetes') client = createClient(httpTransport(await loadKubeconfig(kubeconfig)));
    else {
      server = await startTestApiServer();
      client = server.client;
    }
    await installCrd(client, Everything.crd, new AbortController().signal);
  });
  afterAll(async () => {
    await client.delete(CustomResourceDefinition, { name: Everything.crd.metadata.name });
    await server?.stop();
  });

  it('are taken, all of them', async () => {
    const taken = fc.asyncProperty(objectsOf(Everything, { given }), async (object) => {
      // Nothing is stored: two may have the same name.
      await client.create(Everything, object, { dryRun: ['All'], fieldValidation: 'Strict' });
    });
    await fc.assert(taken, { numRuns: runs });
  }, 180_000);

  it('are refused with one thing wrong, for that', async () => {
    const broken = new Set<string>();
    const refused = fc.asyncProperty(invalidObjectsOf(Everything, { given }), async (invalid) => {
      broken.add(invalid.broken);
      const outcome = await client
        .create(untyped, invalid.object, { dryRun: ['All'] })
        .catch((error: unknown) => error);
      if (!isStatusError(outcome, 'Invalid', 'BadRequest'))
        throw new Error(`was taken: ${invalid.broken} at ${invalid.path}`);
      expect(outcome.message).toContain(invalid.path.split('[')[0]);
    });
    await fc.assert(refused, { numRuns: runs });
    expect([...broken].toSorted()).toEqual([
      'enum',
      'exclusiveMaximum',
      'exclusiveMinimum',
      'maxItems',
      'maxLength',
      'maximum',
      'minItems',
      'minLength',
      'minimum',
      'multipleOf',
      'pattern',
      'required',
      'type',
      'x-kubernetes-list-type',
    ]);
  }, 180_000);
});
