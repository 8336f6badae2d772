import { z } from 'zod';

const expression = z.string().min(1);
const domainPath = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\/[a-z0-9A-Z\-._~%!$&'()*+,;=:/]+$/;

const prefixed = z
  .strictObject({
    claim: z.string().min(1).optional(),
    prefix: z.string().optional(),
    expression: expression.optional(),
  })
  .superRefine(({ claim, prefix, expression: written }, context) => {
    const issue = (message: string) => context.addIssue({ code: 'custom', message });
    if (claim !== undefined && written !== undefined) issue("claim and expression can't both be set");
    if (written !== undefined && prefix !== undefined) issue("prefix can't be set when expression is set");
    if (claim !== undefined && prefix === undefined) issue('prefix is required when claim is set. It can be set to ""');
    if (claim === undefined && prefix !== undefined) issue("prefix can't be set when claim is not set");
  });

const either = z
  .strictObject({ claim: z.string().min(1).optional(), expression: expression.optional() })
  .refine(({ claim, expression: written }) => (claim === undefined) !== (written === undefined), {
    message: 'claim or expression is required, and not both',
  });

const https = z.url().refine((url) => {
  const { protocol, username, search, hash } = new URL(url);
  return protocol === 'https:' && username === '' && search === '' && hash === '';
}, 'must be a https URL without user, query and fragment');

const Issuer = z
  .strictObject({
    url: https,
    /** Where the discovery document lies, if not below `url`. */
    discoveryURL: https.optional(),
    /** PEM of the authorities that the issuer's certificate must lead to; without it those of the machine count. */
    certificateAuthority: z.string().includes('-----BEGIN CERTIFICATE-----').optional(),
    audiences: z.array(z.string().min(1)).min(1, 'at least one jwt[].issuer.audiences is required'),
    audienceMatchPolicy: z.enum(['MatchAny', '']).optional(),
  })
  .superRefine(({ url, discoveryURL, audiences, audienceMatchPolicy }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (new Set(audiences).size < audiences.length) issue('audiences', 'must not name an audience twice');
    if (audiences.length > 1 && audienceMatchPolicy !== 'MatchAny') {
      issue('audienceMatchPolicy', 'audienceMatchPolicy must be set to MatchAny for multiple audiences');
    }
    if (discoveryURL?.replace(/\/+$/, '') === url.replace(/\/+$/, '')) {
      issue('discoveryURL', 'discoveryURL must be different from url');
    }
  });

const ClaimRule = z
  .strictObject({
    claim: z.string().min(1).optional(),
    requiredValue: z.string().optional(),
    expression: expression.optional(),
    message: z.string().optional(),
  })
  .superRefine(({ claim, requiredValue, expression: written, message }, context) => {
    const issue = (text: string) => context.addIssue({ code: 'custom', message: text });
    if (claim !== undefined && written !== undefined) issue("claim and expression can't both be set");
    if (claim === undefined && written === undefined) issue('claim or expression is required');
    if (claim !== undefined && message !== undefined) issue("message can't be set when claim is set");
    if (written !== undefined && requiredValue !== undefined)
      issue("requiredValue can't be set when expression is set");
  });

/** One issuer of tokens: `jwt[]` of AuthenticationConfiguration in apiserver.config.k8s.io/v1. */
export const JwtOptions = z.strictObject({
  issuer: Issuer,
  claimMappings: z.strictObject({
    username: prefixed.refine((each) => each.claim !== undefined || each.expression !== undefined, {
      message: 'claim or expression is required',
    }),
    groups: prefixed.optional(),
    uid: either.optional(),
    extra: z
      .array(
        z.strictObject({
          key: z
            .string()
            .regex(domainPath, 'must be a domain-prefixed path (such as "acme.io/foo")')
            .refine((key) => key === key.toLowerCase(), 'must be lowercase')
            .refine(
              (key) => !/(^|\.)(k8s|kubernetes)\.io\//.test(key),
              'k8s.io, kubernetes.io and their subdomains are reserved',
            ),
          valueExpression: expression,
        }),
      )
      .default([]),
  }),
  claimValidationRules: z.array(ClaimRule).default([]),
  userValidationRules: z.array(z.strictObject({ expression, message: z.string().optional() })).default([]),
});
export type JwtOptions = z.infer<typeof JwtOptions>;

/** All issuers; no two may be the same. */
export const AllJwtOptions = z
  .array(JwtOptions)
  .max(64)
  .superRefine((all, context) => {
    const urls = all.map(({ issuer }) => issuer.url);
    if (new Set(urls).size < urls.length) context.addIssue({ code: 'custom', message: 'an issuer is there twice' });
  });
