import { readFileSync } from 'node:fs';
import {
  CustomResourceDefinition,
  isStatusError,
  type JSONSchemaProps,
  type KubernetesObject,
  type ResourceType,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { warningsOf } from '../registry/error-warnings.ts';
import { inProcessTransport } from '../registry/in-process-transport.ts';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

// What Kubernetes v1.35 says to objects of a schema with rules, step by step: `field|reason|message` of each cause, and
// the warnings.
const step = z.object({
  schema: z.record(z.string(), z.json()).optional(),
  create: z.string().optional(),
  spec: z.json().optional(),
  made: z.json().optional(),
  put: z.json().optional(),
  status: z.number().optional(),
  causes: z.array(z.string()).default([]),
  warnings: z.array(z.string()).default([]),
});
const steps = readFileSync(new URL('broken-rules.test-data.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => step.parse(JSON.parse(line)));

interface Thing extends KubernetesObject {
  readonly spec?: unknown;
  readonly status?: { readonly x?: number };
}
const group = 'run.crdq.test';
const Thing: ResourceType<Thing> = { group, version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const definitionName = { name: `things.${group}` };

describe('rules of a schema', () => {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    freeze: true,
  });
  let warnings: string[] = [];
  const transport = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  const client = createClient(transport);
  afterAll(() => registry.close());

  async function serve(schema: JSONSchemaProps): Promise<void> {
    const versions = [
      { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
    ];
    const spec = { group, scope: 'Namespaced' as const, names: { plural: 'things', kind: 'Thing' }, versions };
    const before = await client.list(CustomResourceDefinition);
    if (before.items.length > 0) await client.patch(CustomResourceDefinition, definitionName, { merge: { spec } });
    else await client.create(CustomResourceDefinition, { metadata: definitionName, spec });
    const wanted = JSON.stringify(schema['properties']?.['spec']?.['x-kubernetes-validations']);
    for (;;) {
      const served = registry.catalog.find(group, 'v1', 'things')?.schema as JSONSchemaProps | undefined;
      if (JSON.stringify(served?.properties?.['spec']?.['x-kubernetes-validations']) === wanted) return;
      await systemClock.sleep(1);
    }
  }

  async function said(verb: 'create' | 'update' | 'patch', body: unknown, subresource?: string, dryRun = true) {
    const request = {
      verb,
      group,
      version: 'v1',
      resource: 'things',
      namespace: 'default',
      ...(verb !== 'create' && { name: 'u' }),
      ...(subresource && { subresource }),
      ...(verb === 'patch' && { patchType: 'application/merge-patch+json' as const }),
      body,
      options: dryRun ? { dryRun: ['All'] } : {},
    };
    try {
      const answer = await registry.handle(request, { name: 'admin', groups: ['system:masters'] });
      warnings = answer.type === 'object' ? [...(answer.warnings ?? [])] : [];
      return [];
    } catch (error) {
      if (!isStatusError(error, 'Invalid')) throw error;
      warnings = [...warningsOf(error)];
      return (error.status.details?.causes ?? [])
        .map(({ field = '', reason = '', message = '' }) => `${field}|${reason}|${message}`)
        .sort();
    }
  }

  const type = { apiVersion: `${group}/v1`, kind: 'Thing' };
  it.each(steps.map((each, index) => [index, each] as const))('%d', async (_index, each) => {
    if (each.schema) return serve(each.schema as JSONSchemaProps);
    const spec = (given: unknown) => (given === undefined ? {} : { spec: given });
    let causes: readonly string[] = [];
    if (each.create) causes = await said('create', { ...type, metadata: { name: each.create }, ...spec(each.spec) });
    else if (each.made)
      causes = await said('create', { ...type, metadata: { name: 'u' }, spec: each.made }, undefined, false);
    else if (each.put) {
      const current = await client.get(Thing, { namespace: 'default', name: 'u' });
      causes = await said('update', { ...current, spec: each.put });
    } else if (each.status !== undefined) causes = await said('patch', { status: { x: each.status } }, 'status');
    expect(causes).toEqual(each.causes);
    expect(warnings.sort()).toEqual(each.warnings);
    return undefined;
  });
});
