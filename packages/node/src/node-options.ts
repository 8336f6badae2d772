import { join } from 'node:path';
import { mayKubeletSetLabel } from '@keelson/core/machinery';
import { z } from 'zod';

const taint = z.strictObject({
  key: z.string().min(1),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

/** `node` of `keelson.yaml`. */
export const nodeOptionsSchema = z
  .strictObject({
    /** How many nodes run in this process. */
    nodes: z.number().int().min(0).default(1),
    /** Their names, in order; the others are called `node-1`, `node-2`, … */
    names: z.array(z.string().min(1)).default([]),
    /** Where each node keeps its pods, in a directory by its name. */
    dataDir: z.string().min(1).default(join('.keelson', 'nodes')),
    /** Where storage drivers keep their volumes, for all nodes alike; default: in each node's own directory. */
    storageDir: z.string().min(1).optional(),
    /** The address under which the nodes are reached. */
    nodeIp: z.string().min(1).default('127.0.0.1'),
    /** Pods get addresses out of here; each node a /24 of it. */
    clusterCidr: z
      .string()
      .regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/)
      .default('10.244.0.0/16'),
    /** Whether a stop in order also ends the pods; without, they are left running for the next start. */
    endPods: z.boolean().default(false),
    maxPods: z.number().int().min(1).default(110),
    /** Of Kubernetes' own prefixes only those that a kubelet may set on its Node; others are set by an administrator. */
    labels: z
      .record(z.string(), z.string())
      .superRefine((labels, context) => {
        for (const key of Object.keys(labels)) {
          if (mayKubeletSetLabel(key)) continue;
          const message = `a node may not give itself the label ${key}: set it with kubectl label node`;
          context.addIssue({ code: 'custom', path: [key], message });
        }
      })
      .default({}),
    taints: z.array(taint).default([]),
    /** What the nodes claim to have, by resource name; the machine's own unless given. */
    capacity: z.record(z.string(), z.string()).default({}),
    clusterDns: z.array(z.string()).default([]),
    clusterDomain: z.string().min(1).default('cluster.local'),
    /** The port of the first node's HTTPS server; others take free ones. 0: any that is free. */
    port: z.number().int().min(0).max(65_535).default(0),
    /** `none` writes no volumes; by default only for the simulated runtime. */
    volumes: z.enum(['real', 'none']).optional(),
    /** `none` takes running containers for ready; by default only for the simulated runtime. */
    probes: z.enum(['real', 'none']).optional(),
  })
  .prefault({});

/** Options of `nodePlugin`: how many nodes there are, what they are called, and what they have. */
export type NodeOptions = z.infer<typeof nodeOptionsSchema>;
