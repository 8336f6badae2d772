import { z } from 'zod';
import { admissionNameProblems, PodSecurityOptions } from '../admission/index.ts';
import { AuditOptions } from '../audit/index.ts';
import { Authorizers } from '../authorization/index.ts';
import { runtimeConfigProblems } from '../registry/runtime-config.ts';
import { AuthenticationPluginOptions } from './authentication-options.ts';
import { storeOptions } from './store-options.ts';

const admissionPlugins = z
  .array(z.string())
  .superRefine((names, context) => {
    for (const message of admissionNameProblems(names)) context.addIssue({ code: 'custom', message });
  })
  .default([]);

/**
 * `apiserver.authorization` of `keelson.yaml`: an AuthorizationConfiguration, or the path of a file with one, which is read
 * again whenever it changes.
 */
export const AuthorizationPluginOptions = z.union([z.string().min(1), z.strictObject({ authorizers: Authorizers })]);

/** The section `apiserver` of `keelson.yaml`. */
export const ApiServerPluginOptions = z.strictObject({
  /** Where certificates and the store are kept; without it everything lives in memory and goes with the process. */
  dataDir: z.string().min(1).optional(),
  ...storeOptions,
  /** What is taken down of requests, and where. */
  audit: AuditOptions.optional(),
  /** The address to listen on; `0.0.0.0` and `::` are all of them. */
  bindAddress: z.string().default('127.0.0.1'),
  /** Further addresses of this machine to listen on, on the same port. */
  alsoListen: z.array(z.string()).default([]),
  /** 0: any free port. */
  port: z.int().min(0).max(65535).default(6443),
  /** Where the Service `kubernetes` leads to; default: `bindAddress` or, where that is all, the machine's first. */
  advertiseAddress: z.string().optional(),
  /** The range of cluster IPs. */
  serviceCidr: z
    .string()
    .regex(/^[\da-fA-F.:]+\/\d+$/, 'must be a CIDR such as 10.96.0.0/16')
    .default('10.96.0.0/16'),
  /** Further names and addresses in the server's certificate. */
  hosts: z.array(z.string()).default([]),
  /** Whether endpoints may lie on loopback: for clusters whose pods have no network of their own. */
  loopbackEndpoints: z.boolean().default(false),
  /** API versions and resources to switch on or off: `api/beta: true`, `storage.k8s.io/v1beta1: true`. */
  runtimeConfig: z
    .record(z.string(), z.boolean())
    .superRefine((config, context) => {
      for (const message of runtimeConfigProblems(config)) context.addIssue({ code: 'custom', message });
    })
    .default({}),
  /** Pod Security where namespaces do not say by their labels what they want, and exemptions from it. */
  podSecurity: PodSecurityOptions.prefault({}),
  /** Built-in admission plugins to leave out, under Kubernetes' names. */
  disableAdmissionPlugins: admissionPlugins,
  /** Built-in admission plugins to use though they are off by default. */
  enableAdmissionPlugins: admissionPlugins,
  /** A file of static tokens: lines of `token,user,uid,"group1,group2"`. */
  tokenFile: z.string().optional(),
  /** Requests that are handled at once; both together are the seats that priority levels share. */
  maxRequestsInflight: z.int().min(0).default(400),
  maxMutatingRequestsInflight: z.int().min(0).default(200),
  /** How it is found out who asks, beside the cluster's own certificates and ServiceAccount tokens. */
  authentication: AuthenticationPluginOptions.default(() => AuthenticationPluginOptions.parse({})),
  /** Who decides what is allowed, in order: as Kubernetes' AuthorizationConfiguration has it. Default: Node and RBAC. */
  authorization: AuthorizationPluginOptions.optional(),
});
export type ApiServerPluginOptions = z.infer<typeof ApiServerPluginOptions>;
