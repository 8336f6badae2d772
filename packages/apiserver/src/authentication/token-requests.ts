import { isStatusError, type KubernetesObject, StatusError } from '@keelson/core';
import { z } from 'zod';
import type { TokenIssuer, TokenSpec } from './service-account-tokens.ts';

const Spec = z.object({
  audiences: z.array(z.string()).nullish(),
  expirationSeconds: z.number().int().nullish(),
  boundObjectRef: z
    .object({
      kind: z.string().nullish(),
      apiVersion: z.string().nullish(),
      name: z.string().nullish(),
      uid: z.string().nullish(),
    })
    .nullish(),
});

const bindable = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' } as const;
const shortest = 600;
const longest = 2 ** 32;

/** Reads an object as it is stored now; rejects with 404. */
export type ObjectLookup = (
  resource: 'pods' | 'secrets' | 'nodes' | 'serviceaccounts',
  namespace: string | undefined,
  name: string,
) => Promise<KubernetesObject>;

export interface TokenRequestAnswer {
  readonly serviceAccount: KubernetesObject;
  readonly spec: object;
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

export interface TokenRequestOptions {
  readonly issuer: TokenIssuer;
  readonly audiences: readonly string[];
  readonly lookup: ObjectLookup;
  /** Whether the tokens that kubelets mount live longer than was asked, as `--service-account-extend-token-expiration`. Default true. */
  readonly extendsExpiration?: boolean;
}

/** Answers a TokenRequest for a ServiceAccount. Rejects with 400, 404, 409 or 422 in Kubernetes' words. */
export async function requestToken(
  namespace: string,
  name: string,
  body: unknown,
  options: TokenRequestOptions,
): Promise<TokenRequestAnswer> {
  const parsed = Spec.safeParse(body ?? {});
  if (!parsed.success) throw StatusError.badRequest(z.prettifyError(parsed.error));
  const spec = parsed.data;
  const expirationSeconds = spec.expirationSeconds ?? 3600;
  checkExpiration(expirationSeconds);
  const serviceAccount = await options.lookup('serviceaccounts', namespace, name);
  const bound = spec.boundObjectRef ? await boundObject(namespace, name, spec.boundObjectRef, options.lookup) : {};
  const audiences = spec.audiences?.length ? spec.audiences : [...options.audiences];
  const uid = serviceAccount.metadata.uid ?? '';
  const asked = { namespace, name, uid, audiences, expirationSeconds, ...bound };
  const extended = options.extendsExpiration !== false && isExtended(asked, options.audiences);
  const lifetime = extended ? { expirationSeconds: year, warnAfterSeconds: expirationSeconds } : {};
  const { token, expirationTimestamp } = await options.issuer.issue({ ...asked, ...lifetime });
  const status = { token, expirationTimestamp };
  return {
    serviceAccount,
    spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status,
  };
}

/** What is asked for the volume that every pod gets; such tokens live on for clients that never read them again. */
const mountedSeconds = 3607;
const year = 365 * 24 * 60 * 60;

function isExtended({ boundObject, expirationSeconds, audiences = [] }: TokenSpec, own: readonly string[]): boolean {
  return (
    boundObject?.kind === 'Pod' && expirationSeconds === mountedSeconds && audiences.every((each) => own.includes(each))
  );
}

function checkExpiration(seconds: number): void {
  const why =
    seconds < shortest
      ? 'may not specify a duration less than 10 minutes'
      : seconds > longest
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return;
  throw StatusError.invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest' }, '', [
    { type: 'FieldValueInvalid', field: 'spec.expirationSeconds', message: `Invalid value: ${seconds}: ${why}` },
  ]);
}

const PodFacts = z.object({
  spec: z.object({ serviceAccountName: z.string().optional(), nodeName: z.string().optional() }).optional(),
});

async function boundObject(
  namespace: string,
  account: string,
  reference: NonNullable<z.infer<typeof Spec>['boundObjectRef']>,
  lookup: ObjectLookup,
): Promise<Pick<TokenSpec, 'boundObject' | 'node'>> {
  const kind = (['Pod', 'Secret', 'Node'] as const).find((each) => each === reference.kind);
  const apiVersion = reference.apiVersion ?? '';
  // Of the core group any version will do.
  if (!kind || apiVersion.includes('/')) {
    const type = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
    throw StatusError.badRequest(`cannot bind token to object of type ${type}, Kind=${reference.kind ?? ''}`);
  }
  const name = reference.name ?? '';
  if (name === '') throw StatusError.badRequest('Name parameter required.');
  const object = await lookup(bindable[kind], kind === 'Node' ? undefined : namespace, name);
  const uid = object.metadata.uid ?? '';
  if (reference.uid && reference.uid !== uid) {
    throw StatusError.conflict(
      { group: '', resource: kind },
      name,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (kind !== 'Pod') return { boundObject: { kind, name, uid } };
  const { spec } = PodFacts.parse(object);
  if (spec?.serviceAccountName !== undefined && spec.serviceAccountName !== account) {
    throw StatusError.badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    );
  }
  const node = spec?.nodeName ? await nodeReference(spec.nodeName, lookup) : undefined;
  return { boundObject: { kind, name, uid }, ...(node && { node }) };
}

/** A pod may be bound to a node that is not there (any more). */
async function nodeReference(name: string, lookup: ObjectLookup): Promise<{ name: string; uid?: string }> {
  try {
    const { uid } = (await lookup('nodes', undefined, name)).metadata;
    return { name, ...(uid !== undefined && { uid }) };
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return { name };
    throw error;
  }
}
