import { z } from 'zod';
import { parseConfiguration } from '../reload/index.ts';
import { Authorizers } from './authorization-configuration.ts';

const kind = 'AuthorizationConfiguration';
const AuthorizationFile = z.strictObject({
  apiVersion: z.string(),
  kind: z.literal(kind),
  authorizers: Authorizers.prefault([]),
});

/** The authorizers of a file of the kind AuthorizationConfiguration. Throws with what is wrong in Kubernetes' words. */
export function parseAuthorizers(text: string): Authorizers {
  try {
    return parseConfiguration(text, kind, AuthorizationFile).authorizers;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw /^\[?authorizers/.test(why) ? error : new Error(`failed to load ${kind} from file: ${why}`, { cause: error });
  }
}

/** Why these may not take the place of the first ones: what is no webhook is there from the start to the end. */
export function changeProblem(first: Authorizers, next: Authorizers): string | undefined {
  const types = new Set(next.map(({ type }) => type));
  const missing = first.map(({ type }) => type).filter((type) => type !== 'Webhook' && !types.has(type));
  return missing.length === 0 ? undefined : `missing required types: [${missing.sort().join(' ')}]`;
}

/** Kubernetes takes the two that are no webhooks under one name only. */
export function nameProblem(all: Authorizers): string | undefined {
  const wrong = all.find(({ type, name }) => type !== 'Webhook' && name !== type.toLowerCase());
  return wrong && `expected name ${wrong.type.toLowerCase()} for authorizer ${wrong.type} instead of ${wrong.name}`;
}
