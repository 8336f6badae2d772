import {
  ConfigMap,
  CustomResourceDefinition,
  createClient,
  Deployment,
  defineResource,
  httpTransport,
  InformerFactory,
  isStatusError,
  loadKubeconfig,
  Namespace,
  runOperator,
  Service,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { createLogger } from '@keelson/core/host';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Website, websiteOperator } from './website-operator.ts';

/** Set it to the kubeconfig of a cluster that may be written to; the tests use namespaces of their own. */
const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const logger = createLogger({ level: 'silent' });

describe.skipIf(!kubeconfig).each([undefined, 'http/1.1'] as const)('a real cluster (protocol %s)', (protocol) => {
  const namespace = `keelson-test-${systemClock.now().toString(36)}-${protocol ? 1 : 2}`;
  const connect = async () => httpTransport(await loadKubeconfig(kubeconfig), protocol ? { protocol } : {});
  let transport: Awaited<ReturnType<typeof connect>>;
  beforeAll(async () => {
    transport = await connect();
    await createClient(transport).create(Namespace, { metadata: { name: namespace }, spec: {} });
  });
  afterAll(async () => {
    await createClient(transport).delete(Namespace, { name: namespace });
    transport.close();
  });

  it('answers every verb, with errors as Status', async () => {
    const client = createClient(transport);
    const ref = { name: 'a', namespace };
    expect(JSON.parse(await transport.raw('GET', '/version'))).toHaveProperty('gitVersion');
    const created = await client.create(ConfigMap, { metadata: ref, data: { a: '1' } });
    const updated = await client.update(ConfigMap, { ...created, data: { a: '2' } });
    await expect(client.update(ConfigMap, created)).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
    await expect(client.create(ConfigMap, { metadata: ref })).rejects.toMatchObject({ reason: 'AlreadyExists' });
    const merged = await client.patch(ConfigMap, ref, { merge: { data: { b: '3' } } });
    expect(merged.data).toEqual({ a: '2', b: '3' });
    await client.patch(ConfigMap, ref, { json: [{ op: 'remove', path: '/data/a' }] });
    const applied = await client.patch(ConfigMap, ref, {
      apply: { metadata: { name: 'a' }, data: { c: '4' } },
      fieldManager: 'test',
    });
    expect(applied.data).toEqual({ b: '3', c: '4' });
    const foreign = { uid: 'another', resourceVersion: updated.metadata.resourceVersion };
    await expect(client.delete(ConfigMap, ref, { preconditions: foreign })).rejects.toMatchObject({ code: 409 });
    await client.delete(ConfigMap, ref, { propagationPolicy: 'Background' });
    await expect(client.get(ConfigMap, ref)).rejects.toMatchObject({
      reason: 'NotFound',
      message: 'configmaps "a" not found',
    });
    // A young cluster still has the whole history, an older one answers that it is gone.
    const old = async () => {
      for await (const { type } of client.watch(ConfigMap, { resourceVersion: '1', timeoutSeconds: 1 })) return type;
      return 'ended';
    };
    const outcome = await old().catch((error: unknown) => isStatusError(error, 'Expired') && 'expired');
    expect(['ADDED', 'MODIFIED', 'DELETED', 'ended', 'expired']).toContain(outcome);
  });

  it('keeps an informer like the server, through deletions and lost connections', async () => {
    const other = await connect();
    const informers = new InformerFactory({
      client: createClient(other),
      clock: systemClock,
      random: systemRandom,
      logger,
    });
    const informer = informers.for(ConfigMap, { namespace });
    await informer.waitForSync();
    const client = createClient(transport);
    await Promise.all(
      Array.from({ length: 700 }, (_, at) => client.create(ConfigMap, { metadata: { name: `c${at}`, namespace } })),
    );
    await waitFor(() => informer.lister.list().length >= 700);
    const second = new InformerFactory({ client, clock: systemClock, random: systemRandom, logger });
    const paged = second.for(ConfigMap, { namespace });
    await paged.waitForSync();
    expect(paged.lister.list().length).toBe(informer.lister.list().length);
    await client.deleteCollection(ConfigMap, { namespace });
    await waitFor(() => !informer.lister.get(`${namespace}/c0`) && !paged.lister.get(`${namespace}/c699`));
    await informers.stop();
    await second.stop();
    other.close();
  });
});

describe.skipIf(!kubeconfig)('an operator on a real cluster', () => {
  const namespace = `keelson-test-${systemClock.now().toString(36)}-op`;

  it('makes children, keeps them, says how it is, and then writes nothing more', async () => {
    const transport = httpTransport(await loadKubeconfig(kubeconfig));
    const client = createClient(transport);
    await client.create(Namespace, { metadata: { name: namespace }, spec: {} });
    const stop = new AbortController();
    const running = runOperator(websiteOperator, { ...(kubeconfig && { kubeconfig }), logger, signal: stop.signal });
    const ref = { name: 'hello', namespace };
    try {
      await waitFor(async () => (await client.list(Website)).items, { what: 'the definition' });
      await client.create(Website, { metadata: ref, spec: { page: 'hi', replicas: 1, image: 'busybox' } });
      await waitFor(async () => (await client.get(Website, ref)).status?.observedGeneration === 1);
      const deployment = await waitFor(() => client.get(Deployment, ref));
      await client.patch(Deployment, ref, { merge: { spec: { replicas: 3 } } });
      await waitFor(async () => (await client.get(Deployment, ref)).spec.replicas === 1);
      await client.delete(Service, ref);
      await waitFor(() => client.get(Service, ref));
      const quiet = async () => {
        const { metadata } = await client.get(Service, ref);
        const { resourceVersion } = (await client.get(Website, ref)).metadata;
        return `${metadata.resourceVersion} ${resourceVersion}`;
      };

      let before = '';
      const same = async () => {
        const now = await quiet();
        const still = now === before;
        before = now;
        return still;
      };
      await waitFor(same, { intervalMs: 1_500, timeoutMs: 30_000, what: 'no more writes' });
      expect(deployment.metadata.ownerReferences?.[0]?.kind).toBe('Website');
    } finally {
      stop.abort();
      await running;
      await client.delete(Namespace, { name: namespace });
      await client.delete(CustomResourceDefinition, { name: Website.crd.metadata.name });
      transport.close();
    }
  });

  it('takes every schema that defineResource can say', async () => {
    const transport = httpTransport(await loadKubeconfig(kubeconfig));
    const Everything = defineResource({
      group: 'test.keelson.dev',
      version: 'v1',
      kind: 'Everything',
      shortNames: ['evr'],
      categories: ['all'],
      spec: z.object({
        nullable: z.string().nullable(),
        intOrString: z.union([z.int(), z.string()]).default('10%'),
        choice: z.enum(['a', 'b']).default('a'),
        literals: z.union([z.literal('x'), z.literal('y')]),
        int32: z.int32(),
        port: z.int().gt(0).lt(65_536),
        ratio: z.number().positive().multipleOf(0.5),
        name: z
          .string()
          .min(1)
          .max(63)
          .regex(/^[a-z]+$/)
          .startsWith('k'),
        mail: z.email(),
        url: z.url(),
        uuid: z.uuid(),
        ip: z.ipv4(),
        cidr: z.cidrv4(),
        when: z.iso.datetime(),
        day: z.iso.date(),
        labels: z.record(z.string(), z.string()).default({ a: 'b' }),
        list: z
          .array(z.object({ name: z.string() }))
          .min(1)
          .max(10)
          .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
        anything: z.unknown().optional(),
        loose: z.looseObject({ known: z.string() }),
        strict: z.strictObject({ known: z.string() }),
        nested: z.object({ deep: z.boolean().default(true) }).prefault({}),
        ruled: z
          .object({ min: z.int(), max: z.int() })
          .meta({ 'x-kubernetes-validations': [{ rule: 'self.min <= self.max' }] }),
        template: z.templateLiteral(['v', z.int()]),
        base64: z.base64(),
      }),
      status: z.object({
        replicas: z.int(),
        conditions: z.array(z.object({ type: z.string(), status: z.enum(['True', 'False', 'Unknown']) })),
      }),
      scale: { specReplicasPath: '.spec.port', statusReplicasPath: '.status.replicas' },
      printerColumns: [{ name: 'Port', jsonPath: '.spec.port', type: 'integer', priority: 1 }],
    });
    const created = await createClient(transport).create(CustomResourceDefinition, Everything.crd, { dryRun: ['All'] });
    expect(created.metadata.name).toBe('everythings.test.keelson.dev');
    transport.close();
  });
});
