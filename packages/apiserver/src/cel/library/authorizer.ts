import type { LabelRequirement } from '@keelson/core';
import { parseFieldSelector, parseLabelSelector, SelectorError } from '@keelson/core';
import type { AuthorizationDecision, AuthorizationRequest, UserInfo } from '../../registry/contract.ts';
import { CelType } from '../type.ts';
import { CelError, CelObject, CelPending, type CelValue } from '../value.ts';
import { noSuchOverload } from './equality.ts';

const objectType = <V extends CelObject>(name: string) => new CelType<V>('object', `kubernetes.authorization.${name}`);

export const authorizerType = objectType<CelAuthorizer>('Authorizer');
export const pathCheckType = objectType<CelPathCheck>('PathCheck');
export const groupCheckType = objectType<CelGroupCheck>('GroupCheck');
export const resourceCheckType = objectType<CelResourceCheck>('ResourceCheck');
export const decisionType = objectType<CelDecision>('Decision');

/** What an expression asks: a request, perhaps narrowed to labels. */
export interface CelAuthorizationRequest extends AuthorizationRequest {
  readonly labelSelector?: readonly LabelRequirement[];
}

/** What was decided; with `error`, what kept the authorizer from a decision. */
export interface CelAuthorizationAnswer extends AuthorizationDecision {
  readonly error?: string;
}

/** Who answers, at once or after asking elsewhere; what it throws or rejects with is the error of the decision. */
export type CelAuthorize = (
  request: CelAuthorizationRequest,
) => CelAuthorizationAnswer | Promise<CelAuthorizationAnswer>;

/** Whether two values are the same cannot be asked of any of these. */
abstract class Incomparable extends CelObject {
  override equals(_other: CelValue): boolean {
    throw noSuchOverload();
  }
}

/**
 * Answers within one evaluation, each question once: what has to be waited for is known when the evaluation runs again.
 */
class Answers {
  readonly #authorize: CelAuthorize;
  readonly #known = new Map<string, CelDecision>();

  constructor(authorize: CelAuthorize) {
    this.#authorize = authorize;
  }

  ask(request: CelAuthorizationRequest): CelDecision {
    const question = JSON.stringify(request);
    const known = this.#known.get(question);
    if (known) return known;
    const answer = this.#attempt(request);
    if (answer instanceof CelDecision) {
      this.#known.set(question, answer);
      return answer;
    }
    throw new CelPending(answer.then((decision) => this.#known.set(question, decision)));
  }

  #attempt(request: CelAuthorizationRequest): CelDecision | Promise<CelDecision> {
    try {
      const answer = this.#authorize(request);
      if (!(answer instanceof Promise)) return decided(answer);
      return answer.then(decided, failed);
    } catch (error) {
      return failed(error);
    }
  }
}

const decided = ({ allowed, reason, error }: CelAuthorizationAnswer): CelDecision =>
  new CelDecision(allowed, reason, error);
const failed = (error: unknown): CelDecision =>
  new CelDecision(false, '', error instanceof Error ? error.message : String(error));

/** What was decided. */
export class CelDecision extends Incomparable {
  readonly allowed: boolean;
  readonly reason: string;
  /** Empty where nothing failed. */
  readonly error: string;

  constructor(allowed: boolean, reason: string, error = '') {
    super();
    this.allowed = allowed;
    this.reason = reason;
    this.error = error;
  }

  get type(): CelType {
    return decisionType;
  }
}

/** The variable `authorizer`: asks what a user may, by default the one who sent the request. One for each evaluation. */
export class CelAuthorizer extends Incomparable {
  readonly user: UserInfo;
  readonly #answers: Answers;

  constructor(user: UserInfo, authorize: CelAuthorize | Answers) {
    super();
    this.user = user;
    this.#answers = typeof authorize === 'function' ? new Answers(authorize) : authorize;
  }

  get type(): CelType {
    return authorizerType;
  }

  /** The same for a service account, whose names the caller has looked at. */
  serviceAccount(namespace: string, name: string): CelAuthorizer {
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
    return new CelAuthorizer({ name: `system:serviceaccount:${namespace}:${name}`, groups }, this.#answers);
  }

  path(path: string): CelPathCheck {
    if (path.trim() === '') throw new CelError('path must not be empty');
    return new CelPathCheck(this, path);
  }

  /** The variable `authorizer.requestResource`: the resource of the request that is looked at. */
  resource(resource: CelCheckedResource): CelResourceCheck {
    return new CelResourceCheck(this, resource);
  }

  ask(request: Omit<CelAuthorizationRequest, 'user'>): CelDecision {
    return this.#answers.ask({ user: this.user, ...request });
  }
}

export class CelPathCheck extends Incomparable {
  readonly #authorizer: CelAuthorizer;
  readonly #path: string;

  constructor(authorizer: CelAuthorizer, path: string) {
    super();
    this.#authorizer = authorizer;
    this.#path = path;
  }

  get type(): CelType {
    return pathCheckType;
  }

  check(verb: string): CelDecision {
    return this.#authorizer.ask({ verb, path: this.#path });
  }
}

export class CelGroupCheck extends Incomparable {
  readonly #authorizer: CelAuthorizer;
  readonly #group: string;

  constructor(authorizer: CelAuthorizer, group: string) {
    super();
    this.#authorizer = authorizer;
    this.#group = group;
  }

  get type(): CelType {
    return groupCheckType;
  }

  resource(resource: string): CelResourceCheck {
    if (resource.trim() === '') throw new CelError('resource must not be empty');
    return this.#authorizer.resource({ group: this.#group, resource });
  }
}

/** What of a resource is asked about; texts that are empty count as absent. */
export type CelCheckedResource = Pick<
  CelAuthorizationRequest,
  'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'fieldSelector' | 'labelSelector'
>;

export class CelResourceCheck extends Incomparable {
  readonly #authorizer: CelAuthorizer;
  readonly #resource: CelCheckedResource;

  constructor(authorizer: CelAuthorizer, resource: CelCheckedResource) {
    super();
    this.#authorizer = authorizer;
    this.#resource = resource;
  }

  get type(): CelType {
    return resourceCheckType;
  }

  with(part: 'subresource' | 'namespace' | 'name', value: string): CelResourceCheck {
    return new CelResourceCheck(this.#authorizer, { ...this.#resource, [part]: value === '' ? undefined : value });
  }

  /** What cannot be read narrows nothing. */
  selectingFields(text: string): CelResourceCheck {
    return new CelResourceCheck(this.#authorizer, {
      ...this.#resource,
      fieldSelector: readable(sortedFields, text),
    });
  }

  selectingLabels(text: string): CelResourceCheck {
    return new CelResourceCheck(this.#authorizer, {
      ...this.#resource,
      labelSelector: readable(parseLabelSelector, text),
    });
  }

  check(verb: string): CelDecision {
    return this.#authorizer.ask({ verb, version: '*', ...this.#resource });
  }
}

/** By field, as Kubernetes gives them on. */
const sortedFields = (text: string) =>
  [...parseFieldSelector(text)].sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));

function readable<T>(parse: (text: string) => T, text: string): T | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}
