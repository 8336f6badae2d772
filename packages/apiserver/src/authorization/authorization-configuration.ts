import { parseDuration, validateDnsSubdomain } from '@keelson/core';
import { z } from 'zod';
import { conditionProblem } from './webhook/match-conditions.ts';

const fromFile = 'KubeConfigFile';
const longestTimeoutMs = 30_000;
const mostConditions = 64;

const duration = z.string().refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 30s');

const Webhook = z.strictObject({
  /** For one attempt; at most 30 s. */
  timeout: duration.optional(),
  /** How long a yes is remembered, and whether. */
  authorizedTTL: duration.default('5m'),
  cacheAuthorizedRequests: z.boolean().default(true),
  /** The same for everything that is no yes. */
  unauthorizedTTL: duration.default('30s'),
  cacheUnauthorizedRequests: z.boolean().default(true),
  subjectAccessReviewVersion: z.string().default(''),
  matchConditionSubjectAccessReviewVersion: z.string().default(''),
  /** What counts when there is no answer. */
  failurePolicy: z.string().default(''),
  connectionInfo: z.strictObject({ type: z.string().default(''), kubeConfigFile: z.string().optional() }).prefault({}),
  /** CEL over `request`, the `spec` of a SubjectAccessReview; the webhook is asked where all hold. */
  matchConditions: z.array(z.strictObject({ expression: z.string().default('') })).default([]),
});
type Webhook = z.infer<typeof Webhook>;

const types = ['Node', 'RBAC', 'Webhook'];

type Tell = (path: readonly (string | number)[], message: string) => void;

const required = (why = '') => `Required value${why === '' ? '' : `: ${why}`}`;
const invalid = (value: unknown, why: string) => `Invalid value: ${JSON.stringify(value)}: ${why}`;
const duplicate = (value: string) => `Duplicate value: ${JSON.stringify(value)}`;
const unsupported = (value: string, known: readonly string[]) =>
  `Unsupported value: ${JSON.stringify(value)}: supported values: ${known.map((each) => JSON.stringify(each)).join(', ')}`;

const oneOf = (value: string, known: readonly string[]): string | undefined => {
  if (value === '') return required();
  return known.includes(value) ? undefined : unsupported(value, known);
};

function checkTimes({ timeout, authorizedTTL, unauthorizedTTL }: Webhook, tell: Tell): void {
  const timeoutMs = timeout === undefined ? 0 : (parseDuration(timeout) ?? 0);
  if (timeoutMs === 0) tell(['timeout'], required());
  else if (timeoutMs < 0 || timeoutMs > longestTimeoutMs)
    tell(['timeout'], invalid(timeout, 'must be > 0s and <= 30s'));
  for (const [name, text] of Object.entries({ authorizedTTL, unauthorizedTTL })) {
    if ((parseDuration(text) ?? 0) < 0) tell([name], invalid(text, 'must be > 0s'));
  }
}

function checkWebhook(webhook: Webhook, tell: Tell): void {
  checkTimes(webhook, tell);
  const { connectionInfo, matchConditions, matchConditionSubjectAccessReviewVersion: conditionVersion } = webhook;
  const say = (path: readonly string[], problem: string | undefined) => problem !== undefined && tell(path, problem);
  say(['subjectAccessReviewVersion'], oneOf(webhook.subjectAccessReviewVersion, ['v1', 'v1beta1']));
  if (conditionVersion !== '') say(['matchConditionSubjectAccessReviewVersion'], oneOf(conditionVersion, ['v1']));
  else if (matchConditions.length > 0) {
    tell(['matchConditionSubjectAccessReviewVersion'], required('required if match conditions are specified'));
  }
  say(['failurePolicy'], oneOf(webhook.failurePolicy, ['NoOpinion', 'Deny']));
  const { type, kubeConfigFile = '' } = connectionInfo;
  say(['connectionInfo', 'type'], oneOf(type, [fromFile]));
  if (type === fromFile && kubeConfigFile === '') tell(['connectionInfo', 'kubeConfigFile'], required());
  checkConditions(matchConditions, tell);
}

function checkConditions(conditions: Webhook['matchConditions'], tell: Tell): void {
  if (conditions.length > mostConditions) {
    tell(['matchConditions'], `Too many: ${conditions.length}: must have at most ${mostConditions} items`);
    return;
  }
  const seen = new Set<string>();
  conditions.forEach(({ expression: text }, index) => {
    const at = ['matchConditions', index, 'expression'];
    const expression = text.trim();
    if (expression === '') tell(at, required());
    else if (seen.has(expression)) tell(at, duplicate(expression));
    else {
      const problem = conditionProblem(expression);
      if (problem !== undefined) tell(at, invalid(expression, problem));
    }
    seen.add(expression);
  });
}

const AuthorizerOptions = z.strictObject({
  type: z.string().default(''),
  name: z.string().default(''),
  webhook: Webhook.optional(),
});

/** `authorizers` of an AuthorizationConfiguration (apiserver.config.k8s.io/v1), with Kubernetes' complaints. */
export const Authorizers = z.array(AuthorizerOptions).superRefine((all, context) => {
  if (all.length === 0) {
    context.addIssue({ code: 'custom', message: required('at least one authorization mode must be defined') });
  }
  const seenTypes = new Set<string>();
  const seenNames = new Set<string>();
  all.forEach(({ type, name, webhook }, index) => {
    const tell: Tell = (path, message) => context.addIssue({ code: 'custom', path: [index, ...path], message });
    const problem = oneOf(type, types) ?? (type !== 'Webhook' && seenTypes.has(type) ? duplicate(type) : undefined);
    if (problem !== undefined) {
      tell(['type'], problem);
      return;
    }
    seenTypes.add(type);
    const nameProblems = validateDnsSubdomain(name);
    if (name === '') tell(['name'], required());
    else if (seenNames.has(name)) tell(['name'], duplicate(name));
    else if (nameProblems.length > 0) {
      tell(['name'], invalid(name, `authorizer name is invalid: ${nameProblems.join(', ')}`));
    }
    seenNames.add(name);
    if (type !== 'Webhook') {
      if (webhook) tell(['webhook'], invalid('non-null', 'may only be specified when type=Webhook'));
    } else if (webhook) checkWebhook(webhook, tell);
    else tell(['webhook'], required('required when type=Webhook'));
  });
});
export type Authorizers = z.infer<typeof Authorizers>;

/** What a configuration of Node and RBAC alone says. */
export const nodeAndRbac: Authorizers = [
  { type: 'Node', name: 'node' },
  { type: 'RBAC', name: 'rbac' },
];
