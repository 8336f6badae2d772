import type { AdmissionDecision, AdmissionRequest, Webhook } from '../admission/index.ts';
import type { KubernetesObject, LabelSelector, MatchCondition, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Informers } from '../informer/index.ts';
import { type JsonPatchOperation, messageOf, StatusError } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';

/** What somebody wants to do to an object. */
export type WebhookOperation = 'CREATE' | 'UPDATE' | 'DELETE';

interface Objects<T> {
  readonly CREATE: { readonly operation: 'CREATE'; readonly object: T; readonly oldObject?: undefined };
  readonly UPDATE: { readonly operation: 'UPDATE'; readonly object: T; readonly oldObject: T };
  readonly DELETE: { readonly operation: 'DELETE'; readonly object?: undefined; readonly oldObject: T };
}

/** What is asked: an object that is to come, to change or to go, who wants it, and whether it is only tried. */
export type WebhookRequest<T, Operation extends WebhookOperation = 'CREATE' | 'UPDATE'> = Omit<
  AdmissionRequest<T>,
  'operation' | 'object' | 'oldObject'
> &
  Objects<T>[Operation];

/** What a webhook works with. */
export interface WebhookContext {
  /** For what the operator has declared in `uses`. */
  readonly client: Client;
  readonly informers: Informers;
  readonly logger: Logger;
}

/** Nothing: allowed. */
export type ValidateAnswer = AdmissionDecision<never> | undefined | void;

/** Nothing: as it is. Else the object as it is to be, operations of a JSON patch, or what `change`, `allow` and `deny` make. */
export type MutateAnswer<T> = T | readonly JsonPatchOperation[] | AdmissionDecision<T> | undefined | void;

type MaybePromise<T> = T | Promise<T>;

/** Says whether a change may be made. What it throws makes the call fail, about which `failurePolicy` decides. */
export type Validate<T extends KubernetesObject, Operation extends WebhookOperation = 'CREATE' | 'UPDATE'> = (
  request: WebhookRequest<T, Operation>,
  context: WebhookContext,
) => MaybePromise<ValidateAnswer>;

/** Says how an object is to be. It may be asked again about what it has made, and must then leave it. */
export type Mutate<T extends KubernetesObject, Operation extends WebhookOperation = 'CREATE' | 'UPDATE'> = (
  request: WebhookRequest<T, Operation>,
  context: WebhookContext,
) => MaybePromise<MutateAnswer<T>>;

/** Which requests a webhook is asked about, and how; as Kubernetes' webhook configurations have it. */
export interface WebhookSettings {
  /** Instead of the resource itself, those of the same kind: `status`, or `ephemeralcontainers` of pods; `''` is itself. */
  readonly subresources?: readonly string[];
  /** In CEL over `object`, `oldObject`, `request` and `authorizer`: asked only where all are true. */
  readonly matchConditions?: readonly MatchCondition[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  /** What happens to requests where the webhook cannot be asked, or throws. Default `Fail`. */
  readonly failurePolicy?: 'Fail' | 'Ignore';
  /** Whether it is asked about the same objects in other versions and groups as well, converted. Default `Equivalent`. */
  readonly matchPolicy?: 'Equivalent' | 'Exact';
  /** `NoneOnDryRun`: it writes elsewhere, but for requests with `dryRun`. Default `None`. */
  readonly sideEffects?: 'None' | 'NoneOnDryRun';
  /** From 1 to 30, default 10. */
  readonly timeoutSeconds?: number;
  /** `IfNeeded`: `mutate` is asked again where others have changed the object after it. Default `Never`. */
  readonly reinvocationPolicy?: 'Never' | 'IfNeeded';
}

/** A webhook: what it is asked about, and what it says. */
export interface WebhookDefinition<T extends KubernetesObject, Operation extends WebhookOperation = 'CREATE' | 'UPDATE'>
  extends WebhookSettings {
  /** For example `no-latest`: the rest of the name that people see follows from the operator. With two dots it is all of it. */
  readonly name: string;
  readonly for: ResourceType<T>;
  /** Default: CREATE and UPDATE. */
  readonly operations?: readonly Operation[];
  validate?(...args: Parameters<Validate<T, NoInfer<Operation>>>): MaybePromise<ValidateAnswer>;
  /** Before `validate`, which sees what all mutations have made. */
  mutate?(...args: Parameters<Mutate<T, NoInfer<Operation>>>): MaybePromise<MutateAnswer<NoInfer<T>>>;
}

/** Answers reviews, in the context of a process. */
export type ReviewIn = (context: WebhookContext) => Promise<Webhook>;

/** A webhook of any kind, as an operator has it. */
export interface DefinedWebhook {
  readonly name: string;
  readonly for: ResourceType;
  readonly operations: readonly WebhookOperation[];
  readonly settings: WebhookSettings;
  readonly validate?: ReviewIn;
  readonly mutate?: ReviewIn;
}

const name = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const usual = ['CREATE', 'UPDATE'] as const satisfies readonly WebhookOperation[];

/**
 * A webhook for objects of any kind, its own or not; for `webhooks` of `defineOperator`. A kind of the operator's own
 * needs only `validate` and `mutate` there.
 *
 * @example
 * defineWebhook({
 *   name: 'no-latest',
 *   for: Pod,
 *   validate: ({ object }) =>
 *     object.spec.containers.some(({ image }) => image?.endsWith(':latest')) ? deny('images have versions') : allow(),
 * })
 * @throws TypeError where it does nothing, or its name or timeout cannot be
 */
export function defineWebhook<T extends KubernetesObject, Operation extends WebhookOperation = 'CREATE' | 'UPDATE'>(
  definition: WebhookDefinition<T, Operation>,
): DefinedWebhook {
  const { name: called, for: type, operations, validate, mutate, ...settings } = definition;
  const asked: readonly WebhookOperation[] = operations ?? usual;
  const wrong = whatIsWrong(definition, asked);
  if (wrong !== undefined) throw new TypeError(`the webhook "${called}" ${wrong}`);
  const isAsked = (
    request: WebhookRequest<T, WebhookOperation>,
  ): request is WebhookRequest<T, WebhookOperation> & WebhookRequest<T, Operation> => asked.includes(request.operation);
  const reviewBy = (
    decide: (request: WebhookRequest<T, Operation>, context: WebhookContext) => Promise<AdmissionDecision<T>>,
  ): ReviewIn => {
    return async (context) => {
      const { admissionWebhook } = await import('../admission/index.ts');
      return admissionWebhook(type, async (request) => {
        const told = requestOf(request);
        if (!isAsked(told)) throw StatusError.badRequest(`this webhook is not about ${request.operation}`);
        try {
          return await decide(told, context);
        } catch (error) {
          // Whatever it is, an answer that somebody else gave to the webhook is not the webhook's answer.
          throw new Error(messageOf(error), { cause: error });
        }
      });
    };
  };
  return {
    name: called,
    for: type,
    operations: asked,
    settings,
    ...(validate && {
      validate: reviewBy(
        async (request, context) => (await validate.call(definition, request, context)) ?? { allowed: true },
      ),
    }),
    ...(mutate && {
      mutate: reviewBy(async (request, context) => decisionOf(await mutate.call(definition, request, context))),
    }),
  };
}

function whatIsWrong(
  {
    name: called,
    validate,
    mutate,
    timeoutSeconds = 10,
    subresources,
  }: Pick<WebhookDefinition<KubernetesObject>, 'name' | 'timeoutSeconds' | 'subresources'> & {
    readonly validate?: unknown;
    readonly mutate?: unknown;
  },
  operations: readonly WebhookOperation[],
): string | undefined {
  if (!validate && !mutate) return 'has neither validate nor mutate';
  if (!name.test(called)) return 'must be named by small letters, digits, "-" and "."';
  if (operations.length === 0) return 'is about no operation';
  if (subresources?.length === 0) return 'is about no subresource';
  const good = Number.isInteger(timeoutSeconds) && timeoutSeconds >= 1 && timeoutSeconds <= 30;
  return good ? undefined : 'must have a timeout between 1 and 30 whole seconds';
}

/** @throws StatusError where what the operation is about is missing */
function requestOf<T>(request: AdmissionRequest<T>): WebhookRequest<T, WebhookOperation> {
  const { operation, object, oldObject, ...rest } = request;
  if (operation === 'CREATE' && object !== undefined) return { ...rest, operation, object };
  if (operation === 'UPDATE' && object !== undefined && oldObject !== undefined) {
    return { ...rest, operation, object, oldObject };
  }
  if (operation === 'DELETE' && oldObject !== undefined) return { ...rest, operation, oldObject };
  throw StatusError.badRequest(`a review of ${operation} without its object`);
}

function decisionOf<T extends KubernetesObject>(mutation: MutateAnswer<T>): AdmissionDecision<T> {
  if (mutation === undefined) return { allowed: true };
  if (isPatch(mutation)) return { allowed: true, patch: mutation };
  return isDecision(mutation) ? mutation : { allowed: true, object: mutation };
}

const isPatch = (mutation: object): mutation is readonly JsonPatchOperation[] => Array.isArray(mutation);

/** Objects have metadata, decisions have none. */
const isDecision = <T>(mutation: object): mutation is AdmissionDecision<T> =>
  'allowed' in mutation && !('metadata' in mutation);
