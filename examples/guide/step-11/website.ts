import { defineVersions, withRules } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

const page = z.string().min(1).max(10_000);
const pages = z.record(z.string(), page);
const common = {
  replicas: z.int().min(0).max(9).default(2),
  host: z
    .string()
    .max(253)
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
    .optional(),
};
const status = z.object({ ready: z.int(), host: z.string(), conditions });

/** Where v1alpha1 keeps the pages that it cannot say. */
const kept = 'example.com/pages';

export const Website = defineVersions({
  group: 'example.com',
  kind: 'Website',
  hub: 'v1',
  versions: {
    v1: {
      spec: withRules(z.object({ pages, ...common }), {
        rule: "'index.html' in self.pages",
        message: 'a site needs an index.html',
        fieldPath: '.pages',
      }),
      status,
    },
    v1alpha1: { spec: z.object({ page, ...common }), status, deprecated: true },
  },
  conversions: {
    v1alpha1: {
      toHub({ spec: { page: index, ...rest }, status: said, metadata: { annotations } }) {
        const others = pages.parse(JSON.parse(annotations?.[kept] ?? '{}'));
        return { spec: { ...rest, pages: { ...others, 'index.html': index } }, status: said };
      },
      fromHub({ spec: { pages: all, ...rest }, status: said, metadata: { annotations } }) {
        const { 'index.html': index = '', ...others } = all;
        return {
          spec: { ...rest, page: index },
          status: said,
          metadata: { annotations: { ...annotations, [kept]: JSON.stringify(others) } },
        };
      },
    },
  },
});
