import { defineResource, withRules } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

const spec = z.object({
  page: z.string().min(1).max(10_000),
  replicas: z.int().min(0).max(9).default(2),
  host: z
    .string()
    .max(253)
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
    .optional(),
});

export const Website = defineResource({
  group: 'example.com',
  version: 'v1alpha1',
  kind: 'Website',
  shortNames: ['site'],
  spec: withRules(
    spec,
    {
      rule: '!has(self.host) || self.replicas > 0',
      message: 'a site with a host needs a replica',
      fieldPath: '.replicas',
    },
    {
      rule: '!has(oldSelf.host) || has(self.host)',
      message: 'a site that has a host keeps one',
    },
  ),
  status: z.object({ ready: z.int(), host: z.string(), conditions }),
  printerColumns: [
    { name: 'Ready', jsonPath: '.status.ready', type: 'integer' },
    { name: 'Wanted', jsonPath: '.spec.replicas', type: 'integer' },
    { name: 'Host', jsonPath: '.status.host' },
  ],
});
