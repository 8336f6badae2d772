import { parseDuration } from '@keelson/core';
import { z } from 'zod';
import { AllJwtOptions, AnonymousOptions, FrontProxyOptions, healthOnly } from '../authentication/index.ts';

const Options = z.strictObject({
  /** Who may ask without credentials; `{ enabled: true }` is everybody for everything, as far as roles allow it. */
  anonymous: AnonymousOptions.default(healthOnly),
  /** Issuers of OpenID Connect. */
  jwt: AllJwtOptions.default([]),
  /** A file of the kind AuthenticationConfiguration, read again whenever it changes: its `jwt` and `anonymous` count. */
  configurationFile: z.string().min(1).optional(),
  /** Another server that is asked whose tokens are. */
  webhook: z
    .strictObject({
      /** The file that says where it is, and how to show oneself to it. */
      kubeconfig: z.string().min(1),
      /** The version of TokenReview. */
      version: z.enum(['v1', 'v1beta1']).default('v1'),
      /** How long its answers are remembered. */
      cacheTtl: z
        .string()
        .refine((text) => (parseDuration(text) ?? -1) >= 0, 'must be a duration such as 2m')
        .default('2m'),
    })
    .optional(),
  /** A proxy that says who asks; default: the cluster's own aggregator, by its own certificate. */
  frontProxy: FrontProxyOptions.optional(),
  /** Whether Secrets of the type bootstrap.kubernetes.io/token let nodes in. */
  bootstrapTokens: z.boolean().default(true),
  /** The `iss` of ServiceAccount tokens: the first one is written into new ones, all are believed. */
  serviceAccountIssuers: z.array(z.string().min(1)).min(1).default(['https://kubernetes.default.svc.cluster.local']),
  /** Where others find the keys of these tokens; default: at the advertised address. */
  serviceAccountJwksUri: z.url({ protocol: /^https$/ }).optional(),
  /** The audiences under which tokens are accepted; default: the issuers. */
  audiences: z.array(z.string().min(1)).min(1).optional(),
  /** Whether tokens that are mounted into pods live on for a year, for programs that never read them again. */
  extendTokenExpiration: z.boolean().default(true),
});

/** `apiserver.authentication` of `keelson.yaml`; `anonymous` and `jwt` in the words of AuthenticationConfiguration. */
export const AuthenticationPluginOptions = Options.refine(
  ({ configurationFile, jwt }) => configurationFile === undefined || jwt.length === 0,
  { path: ['jwt'], message: 'must stand in the file of `configurationFile` where there is one' },
);
export type AuthenticationPluginOptions = z.infer<typeof AuthenticationPluginOptions>;
