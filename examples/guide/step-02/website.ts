import { defineResource } from '@keelson/core';
import { z } from 'zod';

export const Website = defineResource({
  group: 'example.com',
  version: 'v1alpha1',
  kind: 'Website',
  spec: z.object({
    page: z.string().max(10_000),
    replicas: z.int().min(0).max(9).default(2),
  }),
});
