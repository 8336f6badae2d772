import { z } from 'zod';
import { parseConfiguration } from '../../reload/index.ts';
import { AnonymousOptions } from '../anonymous-policy.ts';
import { AllJwtOptions } from './jwt-options.ts';

const kind = 'AuthenticationConfiguration';
const AuthenticationFile = z.strictObject({
  apiVersion: z.string(),
  kind: z.literal(kind),
  anonymous: AnonymousOptions.optional(),
  jwt: AllJwtOptions.default([]),
});
export type AuthenticationFile = z.infer<typeof AuthenticationFile>;

/** A file of the kind AuthenticationConfiguration. Throws with what is wrong. */
export const parseAuthenticationFile = (text: string): AuthenticationFile =>
  parseConfiguration(text, kind, AuthenticationFile);
