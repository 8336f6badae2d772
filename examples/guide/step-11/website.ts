import { defineVersions, type PrinterColumn, withRules } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

const page = z.string().min(1).max(10_000);
const pages = z.record(z.string(), page);

/** What both versions say in the same way. */
const common = {
  replicas: z.int().min(0).max(9).default(2),
  host: z
    .string()
    .max(253)
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
    .optional(),
};
const rules = [
  {
    rule: '!has(self.host) || self.replicas > 0',
    message: 'a site with a host needs a replica',
    fieldPath: '.replicas',
  },
  {
    rule: '!has(oldSelf.host) || has(self.host)',
    message: 'a site that has a host keeps one',
  },
] as const;
const status = z.object({ ready: z.int(), host: z.string(), conditions });
const printerColumns: PrinterColumn[] = [
  { name: 'Ready', jsonPath: '.status.ready', type: 'integer' },
  { name: 'Wanted', jsonPath: '.spec.replicas', type: 'integer' },
  { name: 'Host', jsonPath: '.status.host' },
];

/** Where an object of v1alpha1 keeps the pages that it cannot say. */
const kept = 'example.com/pages';

export const Website = defineVersions({
  group: 'example.com',
  kind: 'Website',
  shortNames: ['site'],
  hub: 'v1',
  versions: {
    v1: {
      spec: withRules(z.object({ pages, ...common }), ...rules, {
        rule: "'index.html' in self.pages",
        message: 'a site needs an index.html',
        fieldPath: '.pages',
      }),
      status,
      printerColumns,
    },
    v1alpha1: { spec: withRules(z.object({ page, ...common }), ...rules), status, printerColumns, deprecated: true },
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
