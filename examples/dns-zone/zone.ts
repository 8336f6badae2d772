import { defineResource, mapList, type ResourceObject, setList, withRules } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

export const DnsRecord = z.object({
  /** Below the domain; `@`: the domain itself. */
  name: z
    .string()
    .max(200)
    .regex(/^(@|(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?)$/)
    .default('@'),
  type: z.enum(['A', 'AAAA', 'CNAME', 'MX', 'TXT']),
  values: setList(z.string().min(1).max(500)).min(1).max(20),
  ttl: z.int().min(60).max(86_400).default(3_600),
});

export const Zone = defineResource({
  group: 'examples.keelson.dev',
  version: 'v1',
  kind: 'Zone',
  spec: z.object({
    domain: withRules(z.string().min(1).max(200), { rule: 'self == oldSelf', message: 'cannot be changed' }),
    records: mapList(DnsRecord, 'name', 'type').max(500).default([]),
    /** A Secret whose `token` the provider knows. */
    credentials: z.string().min(1).max(253),
  }),
  status: z.object({
    observedGeneration: z.int(),
    /** Of the records, as the operator saw them last. */
    version: z.string(),
    nameservers: z.array(z.string()),
    conditions,
  }),
  printerColumns: [
    { name: 'Domain', jsonPath: '.spec.domain' },
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Message', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
  ],
});
export type Zone = ResourceObject<typeof Zone>;
