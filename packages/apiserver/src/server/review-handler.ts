import {
  type ApiRequest,
  type Clock,
  isStatusError,
  type KubernetesObject,
  StatusError,
  timestamp,
} from '@keelson/core';
import { z } from 'zod';
import type { RequestAuthenticator, ServiceAccountTokens } from '../authentication/index.ts';
import { requestToken } from '../authentication/token-requests.ts';
import { reviewAccess, reviewRules } from '../authorization/access-reviews.ts';
import { forbidden, type RbacAuthorizer } from '../authorization/index.ts';
import type { ApiAnswer, ApiHandler, ServedResource, UserInfo } from '../registry/contract.ts';
import { apiServerUser } from './api-server-user.ts';

export interface ReviewHandlerOptions {
  /** Everything that is no review goes on to it. */
  readonly next: ApiHandler;
  readonly authorizer: RbacAuthorizer;
  readonly tokens: ServiceAccountTokens;
  readonly authenticator: Pick<RequestAuthenticator, 'authenticateToken'>;
  readonly clock: Clock;
}

const Body = z.looseObject({
  metadata: z.looseObject({ namespace: z.string().optional() }).nullish(),
  spec: z.looseObject({}).nullish(),
});

type Review = (request: ApiRequest, user: UserInfo, body: z.infer<typeof Body>) => Promise<object> | object;

/**
 * Answers what is asked and not stored: access and rules reviews, token reviews and token requests. They need
 * authentication and authorization, which the registry knows nothing of.
 */
export class ReviewHandler implements ApiHandler {
  readonly catalog: ApiHandler['catalog'];
  readonly #options: ReviewHandlerOptions;
  readonly #reviews: ReadonlyMap<string, Review>;

  constructor(options: ReviewHandlerOptions) {
    this.#options = options;
    this.catalog = options.next.catalog;
    const { authorizer } = options;
    this.#reviews = new Map<string, Review>([
      [
        'authorization.k8s.io/selfsubjectaccessreviews',
        (_, user, { spec }) => ({ spec, status: reviewAccess(authorizer, spec, { self: user }) }),
      ],
      [
        'authorization.k8s.io/subjectaccessreviews',
        (_, __, { spec }) => ({ spec, status: reviewAccess(authorizer, spec, {}) }),
      ],
      [
        'authorization.k8s.io/localsubjectaccessreviews',
        ({ namespace = '' }, _, { spec }) => ({ spec, status: reviewAccess(authorizer, spec, { namespace }) }),
      ],
      ['authorization.k8s.io/selfsubjectrulesreviews', (_, user, { spec }) => this.#rules(user, spec)],
      ['authentication.k8s.io/selfsubjectreviews', (_, user) => this.#self(user)],
      ['authentication.k8s.io/tokenreviews', (_, __, { spec }) => this.#token(spec)],
      ['/serviceaccounts/token', (request, _, body) => this.#issue(request, body)],
    ]);
  }

  async handle(request: ApiRequest, user: UserInfo): Promise<ApiAnswer> {
    const { group, version, resource, subresource, namespace, name, verb } = request;
    const key = `${group}/${resource}${subresource ? `/${subresource}` : ''}`;
    const review = verb === 'create' ? this.#reviews.get(key) : undefined;
    const served = review && this.catalog.find(group, version, resource);
    if (!review || !served) return this.#options.next.handle(request, user);
    const question = { user, verb, group, version, resource, subresource, namespace, name };
    const decision = this.#options.authorizer.authorize(question);
    if (!decision.allowed) throw forbidden(question, decision.reason);
    const body = Body.safeParse(request.body ?? {});
    if (!body.success) throw StatusError.badRequest(z.prettifyError(body.error));
    const { kind, apiVersion } = typeOf(served, subresource);
    const metadata = { ...body.data.metadata, name: '' };
    const { name: _empty, ...unnamed } = metadata;
    const object = { kind, apiVersion, metadata: unnamed, ...(await review(request, user, body.data)) };
    return { type: 'object', code: 201, resource: served, value: { object: asObject(object), json: encode(object) } };
  }

  #rules(user: UserInfo, spec: z.infer<typeof Body>['spec']): object {
    const namespace = spec?.['namespace'];
    if (typeof namespace !== 'string' || namespace === '') throw StatusError.badRequest('no namespace on request');
    return { spec: {}, status: reviewRules(this.#options.authorizer, user, namespace) };
  }

  #self(user: UserInfo): object {
    return { metadata: { creationTimestamp: timestamp(this.#options.clock) }, status: { userInfo: wireUser(user) } };
  }

  async #token(spec: z.infer<typeof Body>['spec']): Promise<object> {
    const { token, audiences } = TokenReviewSpec.parse(spec ?? {});
    if (token === '') {
      throw StatusError.badRequest('token is required for TokenReview in authentication');
    }
    try {
      const found = await this.#options.authenticator.authenticateToken(
        token,
        audiences?.length ? audiences : undefined,
      );
      if (found) {
        const groups = [...found.user.groups, 'system:authenticated'];
        const user = wireUser({ ...found.user, groups });
        return { spec, status: { authenticated: true, user, audiences: found.audiences } };
      }
    } catch (error) {
      if (!isStatusError(error, 'Unauthorized')) throw error;
    }
    return { spec, status: { user: {}, error: 'invalid bearer token' } };
  }

  async #issue({ namespace = '', name = '' }: ApiRequest, body: z.infer<typeof Body>): Promise<object> {
    const { spec } = body;
    checkTokenOwner(body.metadata, namespace, name);
    const { tokens: issuer, clock } = this.#options;
    const lookup = (resource: string, from: string | undefined, of: string) => this.#read(resource, from, of);
    const answer = await requestToken(namespace, name, spec, { issuer, audiences: issuer.audiences, lookup });
    const metadata = {
      name,
      namespace,
      uid: answer.serviceAccount.metadata.uid,
      creationTimestamp: timestamp(clock),
    };
    return { metadata, spec: answer.spec, status: answer.status };
  }

  async #read(resource: string, namespace: string | undefined, name: string): Promise<KubernetesObject> {
    const request: ApiRequest = {
      verb: 'get',
      group: '',
      version: 'v1',
      resource,
      name,
      ...(namespace && { namespace }),
    };
    const answer = await this.#options.next.handle(request, apiServerUser);
    if (answer.type === 'object') return answer.value.object;
    throw StatusError.internal(`reading ${resource}/${name} gave no object`);
  }
}

/** A TokenRequest may name the account that it is for, and no other. */
function checkTokenOwner(metadata: z.infer<typeof Body>['metadata'], namespace: string, name: string): void {
  if (metadata?.namespace && metadata.namespace !== namespace) {
    throw StatusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  const asked = metadata?.['name'];
  if (typeof asked !== 'string' || asked === '' || asked === name) return;
  throw StatusError.invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest' }, name, [
    {
      type: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: ${JSON.stringify(asked)}: must match the service account name if specified`,
    },
  ]);
}

const TokenReviewSpec = z.object({
  token: z.string().default(''),
  audiences: z.array(z.string()).nullish(),
});

function typeOf(served: ServedResource, subresource: string | undefined) {
  if (subresource === 'token') return { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1' };
  return { kind: served.kind, apiVersion: `${served.group}/${served.version}` };
}

const wireUser = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid && { uid }),
  groups,
  ...(extra && Object.keys(extra).length > 0 && { extra }),
});

const encode = (object: object) => Buffer.from(`${JSON.stringify(object)}\n`);

/** Reviews have no name; the type of stored objects wants one. */
function asObject(object: {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: object;
}): KubernetesObject {
  return { ...object, metadata: { name: '', ...object.metadata } };
}
