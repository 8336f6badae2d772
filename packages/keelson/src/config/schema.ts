import { AuthenticationPluginOptions, AuthorizationPluginOptions } from '@keelson/apiserver';
import { parseDuration } from '@keelson/core/machinery';
import { z } from 'zod';

/** A part that is chosen by name, bare or with options of its own. */
const choice = <const Names extends readonly [string, ...string[]]>(names: Names) => {
  const name = z.enum(names);
  return z
    .union([name, z.strictObject({ name, options: z.record(z.string(), z.unknown()).default({}) })])
    .transform((value) =>
      typeof value === 'string' ? { name: value, options: {} as Record<string, unknown> } : value,
    );
};

export const storeNames = ['log', 'memory'] as const;
export const runtimeNames = ['auto', 'process', 'remote', 'simulated'] as const;
export const networkNames = ['auto', 'routed', 'exec', 'none'] as const;
export const storageNames = ['host-path'] as const;
export const controllerNames = [
  'deployment',
  'replicaset',
  'replication',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
  'horizontal-pod-autoscaler',
  'resource-claim',
  'certificates',
  'disruption',
  'resource-quota',
  'endpointslice',
  'endpointslice-mirroring',
  'service',
  'namespace',
  'service-account',
  'service-cidr',
  'root-ca',
  'secret-token',
  'garbage-collector',
  'pod-garbage-collector',
  'node-lifecycle',
  'volume-binder',
  'scheduler',
  'service-proxy',
] as const;

const plugin = z
  .union([
    z.string().min(1),
    z.strictObject({ name: z.string().min(1), options: z.record(z.string(), z.unknown()).default({}) }),
  ])
  .transform((value) => (typeof value === 'string' ? { name: value, options: {} as Record<string, unknown> } : value));

const cidr = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, 'an IPv4 range such as 10.96.0.0/16');

const duration = z
  .string()
  .refine((text) => (parseDuration(text) ?? -1) >= 0, 'must be a duration such as 5m or 1h30m');

const etcd = z.strictObject({
  endpoints: z.array(z.string().regex(/^https?:\/\/[^/\s]+\/?$/, 'must be a URL such as https://10.0.0.1:2379')).min(1),
  /** PEM files, relative to this one: who signed the members' certificates, and our own certificate and key. */
  caFile: z.string().optional(),
  certFile: z.string().optional(),
  keyFile: z.string().optional(),
  user: z.string().optional(),
  /** A file whose first line is the password. */
  passwordFile: z.string().optional(),
});

/** `keelson.yaml`. Everything has a default; an empty file is a whole cluster. */
export const clusterConfigSchema = z.strictObject({
  apiVersion: z.literal('keelson.dev/v1').default('keelson.dev/v1'),
  kind: z.literal('Cluster').default('Cluster'),
  /** Where everything is kept; relative to the file. */
  dataDir: z.string().min(1).default('.keelson'),
  api: z
    .strictObject({
      address: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65535).default(6443),
      serviceCidr: cidr.default('10.96.0.0/16'),
      /** API versions and resources to switch on or off, as `--runtime-config` of kube-apiserver: `api/beta: true`. */
      runtimeConfig: z.record(z.string(), z.boolean()).default({}),
      /** How it is found out who asks: `anonymous` and `jwt` as in Kubernetes' AuthenticationConfiguration, `webhook`, … */
      authentication: AuthenticationPluginOptions.optional(),
      /**
       * Who decides what is allowed, in order: `authorizers` as in Kubernetes' AuthorizationConfiguration, or the path of
       * a file with one, relative to this one, which is read again whenever it changes.
       */
      authorization: AuthorizationPluginOptions.optional(),
      /** A file of static tokens, relative to this one: lines of `token,user,uid,"group1,group2"`. */
      tokenFile: z.string().min(1).optional(),
      /** Built-in admission plugins to leave out, or to use though they are off by default, under Kubernetes' names. */
      disableAdmissionPlugins: z.array(z.string()).default([]),
      enableAdmissionPlugins: z.array(z.string()).default([]),
      /**
       * What is taken down of requests, and where: a Policy of Kubernetes or its path, and `log` or `webhook` with the
       * options that the package of the API server describes. Paths are relative to this file.
       */
      audit: z
        .strictObject({
          policy: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
          log: z.looseObject({ path: z.string().min(1) }).optional(),
          webhook: z.looseObject({ kubeconfig: z.string().min(1) }).optional(),
        })
        .optional(),
    })
    .prefault({}),
  /** `log`: in the data directory; `memory`: gone with the process; or an etcd cluster. */
  store: z.union([z.enum(storeNames), z.strictObject({ etcd })]).default('log'),
  /**
   * What is stored encrypted, and with what: an EncryptionConfiguration of Kubernetes, or the path of a file with one,
   * relative to this one.
   */
  encryption: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
  /** How often old history is dropped, such as `5m`; `0`: never because of its age. */
  compactionInterval: duration.default('5m'),
  /** How long Events are kept. */
  eventTtl: duration.default('1h'),
  runtime: choice(runtimeNames).prefault('auto'),
  network: choice(networkNames).prefault('auto'),
  /** The addresses of all pods, a /24 for each node. Default 10.244.0.0/16, or 10.128.0.0/9 for more than 255 nodes. */
  podCidr: cidr.optional(),
  storage: z.array(z.enum(storageNames)).default(['host-path']),
  nodes: z.int().min(0).max(5000).default(1),
  /** A built-in by its name: `false` switches it off, an object gives it options. */
  controllers: z
    .partialRecord(z.enum(controllerNames), z.union([z.boolean(), z.record(z.string(), z.unknown())]))
    .default({}),
  /** Further plugins, by package name or path; one with a built-in's name replaces it. */
  plugins: z.array(plugin).default([]),
});

/** What `keelson.yaml` says, its defaults put in. */
export type ClusterConfig = z.output<typeof clusterConfigSchema>;
