import { defineResource, type ResourceObject, setList } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

const Quantity = z.string().regex(/^[0-9]+(\.[0-9]+)?(m|[kKMGT]i?)?$/);

export const Tenant = defineResource({
  group: 'examples.keelson.dev',
  version: 'v1',
  kind: 'Tenant',
  scope: 'Cluster',
  spec: z.object({
    owner: z.string().min(1).max(253),
    members: setList(z.string().min(1).max(253)).max(100).default([]),
    quota: z
      .object({ cpu: Quantity.default('4'), memory: Quantity.default('8Gi'), pods: z.int().min(0).default(20) })
      .default({ cpu: '4', memory: '8Gi', pods: 20 }),
    isolated: z.boolean().default(true),
    podSecurity: z.enum(['privileged', 'baseline', 'restricted']).default('restricted'),
    registries: setList(z.string().min(1).max(253)).max(20).default([]),
  }),
  status: z.object({ namespace: z.string(), conditions }),
  printerColumns: [
    { name: 'Namespace', type: 'string', jsonPath: '.status.namespace' },
    { name: 'Owner', type: 'string', jsonPath: '.spec.owner' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  ],
});
export type Tenant = ResourceObject<typeof Tenant>;

export const prefix = 'tenant-';
export const tenantLabel = 'examples.keelson.dev/tenant';

export const namespaceOf = ({ metadata }: Tenant) => `${prefix}${metadata.name}`;

/** What the tenant's namespace says of itself; pods are held to the Pod Security Standard by the API server. */
export const labelsOf = ({ metadata, spec }: Tenant): Readonly<Record<string, string>> => ({
  [tenantLabel]: metadata.name,
  'pod-security.kubernetes.io/enforce': spec.podSecurity,
});
