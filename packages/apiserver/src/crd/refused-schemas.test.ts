import { readFileSync } from 'node:fs';
import { CustomResourceDefinition, isStatusError, type NewObject, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inProcessTransport } from '../registry/in-process-transport.ts';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

// What Kubernetes v1.35 says to versions of a definition: `field|reason|message` of each cause, `~` for the schema that
// all versions share.
const recorded = ['refused-schemas.test-data.jsonl', 'refused-rules.test-data.jsonl']
  .flatMap((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8')
      .trimEnd()
      .split('\n'),
  )
  .map((line) =>
    z.object({ version: z.record(z.string(), z.json()), causes: z.array(z.string()) }).parse(JSON.parse(line)),
  );

describe('versions of a definition', () => {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));

  it.each(recorded.map((each) => [JSON.stringify(each.version), each] as const))('%s', async (_title, each) => {
    const definition: NewObject<CustomResourceDefinition> = {
      metadata: { name: 'things.zz.example.com' },
      spec: {
        group: 'zz.example.com',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, ...each.version }],
      },
    };
    const causes = await client.create(CustomResourceDefinition, definition, { dryRun: ['All'] }).then(
      () => [],
      (error: unknown) => {
        if (!isStatusError(error, 'Invalid')) throw error;
        return (error.status.details?.causes ?? []).map(
          ({ field = '', reason = '', message = '' }) =>
            `${field.replace('spec.validation.openAPIV3Schema', '~')}|${reason}|${message}`,
        );
      },
    );
    expect(causes).toEqual(each.causes);
  });
});
