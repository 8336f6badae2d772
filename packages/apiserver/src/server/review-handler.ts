import {
  type ApiRequest,
  type Clock,
  type KubernetesObject,
  type SelfSubjectRulesReviewSpec,
  StatusError,
  type SubjectAccessReview,
  type SubjectAccessReviewSpec,
  type TokenReviewSpec,
  type TokenReviewStatus,
  timestamp,
} from '@keelson/core';
import {
  authenticated,
  CredentialsError,
  type RequestAuthenticator,
  type ServiceAccountTokens,
} from '../authentication/index.ts';
import { requestToken } from '../authentication/token-requests.ts';
import { type AccessReviewScope, checkAccessReview } from '../authorization/access-review-checks.ts';
import { reviewAccess, reviewRules } from '../authorization/access-reviews.ts';
import type { RbacAuthorizer } from '../authorization/index.ts';
import { apiServerUser } from '../registry/api-server-user.ts';
import type { ApiAnswer, ApiHandler, Authorizer, UserInfo } from '../registry/contract.ts';
import type { ObjectDraft } from '../registry/draft.ts';
import type { ResourceRegistry } from '../registry/resource-registry.ts';
import { type ReviewAnswer, type ReviewCheck, withStatus } from '../registry/review-object.ts';

export interface ReviewHandlerOptions {
  /** Everything that is no review goes on to it. */
  readonly next: Registry;
  readonly authorizer: Authorizer;
  /** Whose rules a SelfSubjectRulesReview lists. */
  readonly rbac: RbacAuthorizer;
  /** The types of the authorizers, in their order. */
  readonly authorizers: () => readonly string[];
  readonly tokens: ServiceAccountTokens;
  readonly authenticator: Pick<RequestAuthenticator, 'authenticateToken'>;
  readonly clock: Clock;
  /** Default true. */
  readonly extendTokenExpiration?: boolean | undefined;
}

type Registry = ApiHandler & Pick<ResourceRegistry, 'review'>;

interface Review {
  readonly check?: ReviewCheck;
  readonly answer: ReviewAnswer;
}

/** The registry has decoded what is asked by the schema of its kind. */
const specOf = <T extends object>(asked: ObjectDraft) => (asked.spec ?? {}) as Partial<T>;

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
    this.#reviews = new Map<string, Review>([
      ['authorization.k8s.io/selfsubjectaccessreviews', this.#access('self')],
      ['authorization.k8s.io/subjectaccessreviews', this.#access('subject')],
      ['authorization.k8s.io/localsubjectaccessreviews', this.#access('local')],
      ['authorization.k8s.io/selfsubjectrulesreviews', { answer: (asked, { user }) => this.#rules(user, asked) }],
      ['authentication.k8s.io/selfsubjectreviews', { answer: (asked, { user }) => this.#self(user, asked) }],
      ['authentication.k8s.io/tokenreviews', { check: checkToken, answer: (asked) => this.#token(asked) }],
    ]);
  }

  async handle(request: ApiRequest, user: UserInfo): Promise<ApiAnswer> {
    const { group, resource, subresource, verb } = request;
    const { next } = this.#options;
    if (verb !== 'create') return next.handle(request, user);
    if (`${group}/${resource}/${subresource}` === '/serviceaccounts/token') return this.#issueToken(request, user);
    const review = subresource ? undefined : this.#reviews.get(`${group}/${resource}`);
    if (!review) return next.handle(request, user);
    return next.review(request, user, review.answer, review.check);
  }

  #access(scope: AccessReviewScope): Review {
    const { authorizer } = this.#options;
    return {
      check: (asked) => checkAccessReview(asked as SubjectAccessReview, scope),
      async answer(asked, { user }) {
        const spec = specOf<SubjectAccessReviewSpec>(asked);
        return withStatus(asked, await reviewAccess(authorizer, spec, scope === 'self' ? user : undefined));
      },
    };
  }

  #rules(user: UserInfo, asked: ObjectDraft): ObjectDraft {
    const { namespace = '' } = specOf<SelfSubjectRulesReviewSpec>(asked);
    if (namespace === '') throw StatusError.badRequest('no namespace on request');
    const { kind = '', apiVersion = '' } = asked;
    const { rbac, authorizers } = this.#options;
    return unnamed({ kind, apiVersion, spec: {}, status: reviewRules(rbac, authorizers(), user, namespace) });
  }

  #self(user: UserInfo, { kind = '', apiVersion = '' }: ObjectDraft): ObjectDraft {
    const creationTimestamp = timestamp(this.#options.clock);
    return unnamed({ kind, apiVersion, status: { userInfo: wireUser(user) } }, { creationTimestamp });
  }

  async #token(asked: ObjectDraft): Promise<ObjectDraft> {
    const { token: given = '', audiences } = specOf<TokenReviewSpec>(asked);
    const token = bearerIn(given);
    const before = (asked.status ?? {}) as TokenReviewStatus;
    const wanted = audiences?.length ? audiences : undefined;
    if (token === '') {
      const user = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
      const status = { authenticated: true, user, audiences: wanted ?? this.#options.tokens.audiences };
      return withStatus(asked, status);
    }
    try {
      const found = await this.#options.authenticator.authenticateToken(token, wanted);
      return withStatus(asked, {
        authenticated: true,
        user: wireUser(authenticated(found.user)),
        audiences: found.audiences,
      });
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error;
      const { authenticated: _no, error: _error, ...rest } = before;
      return withStatus(asked, { user: {}, ...rest, error: error.message });
    }
  }

  /** serviceaccounts/token: answers a TokenRequest for the account on the URL. */
  #issueToken(request: ApiRequest, user: UserInfo): Promise<ApiAnswer> {
    const { namespace = '', name = '' } = request;
    return this.#options.next.review(
      request,
      user,
      (asked) => this.#issue(asked, namespace, name),
      (asked) => checkTokenOwner(asked, name),
    );
  }

  async #issue(asked: ObjectDraft, namespace: string, name: string): Promise<ObjectDraft> {
    const { tokens: issuer, clock } = this.#options;
    const lookup = (resource: string, from: string | undefined, of: string) => this.#read(resource, from, of);
    const extendsExpiration = this.#options.extendTokenExpiration !== false;
    const options = { issuer, audiences: issuer.audiences, lookup, extendsExpiration };
    const { serviceAccount, spec, status } = await requestToken(namespace, name, asked.spec, options);
    const { uid = '' } = serviceAccount.metadata;
    const metadata = { ...asked.metadata, name, namespace, uid, creationTimestamp: timestamp(clock) };
    return { ...asked, metadata, spec, status };
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
function checkTokenOwner({ metadata }: ObjectDraft, name: string): void {
  if (!metadata.name || metadata.name === name) return;
  throw StatusError.invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest' }, name, [
    {
      type: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: ${JSON.stringify(metadata.name)}: must match the service account name if specified`,
    },
  ]);
}

/** The token that `Authorization: Bearer …` would hold: Kubernetes asks its authenticators by that header. */
const bearerIn = (token: string) => `Bearer ${token}`.trim().split(' ')[1] ?? '';

function checkToken(asked: ObjectDraft): void {
  if (specOf<TokenReviewSpec>(asked).token) return;
  throw StatusError.badRequest('token is required for TokenReview in authentication');
}

/** Some reviews give nothing back of what they were asked. Reviews have no name; the type of objects wants one. */
function unnamed(object: Omit<ObjectDraft, 'metadata'>, metadata: object = {}): ObjectDraft {
  const { kind, apiVersion, ...rest } = object;
  return { kind, apiVersion, metadata: metadata as ObjectDraft['metadata'], ...rest };
}

const wireUser = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid && { uid }),
  groups,
  ...(extra && Object.keys(extra).length > 0 && { extra }),
});
