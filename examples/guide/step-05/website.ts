import { defineResource } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

export const Website = defineResource({
  group: 'example.com',
  version: 'v1alpha1',
  kind: 'Website',
  spec: z.object({
    page: z.string().max(10_000),
    replicas: z.int().min(0).max(9).default(2),
    host: z.string().max(253).optional(),
  }),
  status: z.object({ ready: z.int(), host: z.string(), conditions }),
  printerColumns: [
    { name: 'Ready', jsonPath: '.status.ready', type: 'integer' },
    { name: 'Wanted', jsonPath: '.spec.replicas', type: 'integer' },
    { name: 'Host', jsonPath: '.status.host' },
  ],
});
