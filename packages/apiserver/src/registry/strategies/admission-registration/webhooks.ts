import {
  deepEqual,
  type MutatingWebhook,
  MutatingWebhookConfiguration,
  type ValidatingWebhook,
  ValidatingWebhookConfiguration,
  validateDns1035Label,
  validateDnsSubdomain,
} from '@keelson/core';
import { matchConditionProblem } from '../../../admission/match-conditions.ts';
import type { Draft } from '../../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { checkClientConfig } from './client-config.ts';
import { addProblem } from './expression-checks.ts';
import { checkMatchConditions, checkRule, checkSelectorAt, type ExpressionCheck } from './rules.ts';

type Webhook = MutatingWebhook | ValidatingWebhook;

function defaultWebhook(webhook: Draft<ValidatingWebhook>): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
}

const acceptedVersions = ['v1', 'v1beta1'];

function checkReviewVersions(versions: readonly string[], at: string, known: boolean, errors: FieldErrors): void {
  if (versions.length === 0) {
    errors.required(at, 'must specify one of v1, v1beta1');
    return;
  }
  const seen = new Set<string>();
  let accepted = false;
  versions.forEach((each, index) => {
    const here = `${at}[${index}]`;
    if (seen.has(each)) {
      errors.invalid(here, each, 'duplicate version');
      return;
    }
    seen.add(each);
    errors.rule(here, each, validateDns1035Label(each));
    if (acceptedVersions.includes(each)) accepted = true;
  });
  if (known && !accepted) errors.invalid(at, versions, 'must include at least one of v1, v1beta1');
}

function checkOneOf(
  value: string | undefined | null,
  supported: readonly string[],
  at: string,
  errors: FieldErrors,
): void {
  if (value !== undefined && value !== null && !supported.includes(value)) errors.notSupported(at, value, supported);
}

interface UpdateRules {
  /** An object that has such may keep them (it was stored when they were allowed). */
  readonly sideEffects: readonly string[];
  readonly uniqueNames: boolean;
  readonly knownVersions: boolean;
}

function checkWebhook(
  webhook: Webhook,
  at: string,
  rules: UpdateRules,
  errors: FieldErrors,
  check: ExpressionCheck,
): void {
  const { name = '', timeoutSeconds, sideEffects } = webhook;
  checkName(name, `${at}.name`, errors);
  (webhook.rules ?? []).forEach((rule, index) => {
    checkRule(rule, `${at}.rules[${index}]`, errors);
  });
  checkOneOf(webhook.failurePolicy, ['Fail', 'Ignore'], `${at}.failurePolicy`, errors);
  checkOneOf(webhook.matchPolicy, ['Equivalent', 'Exact'], `${at}.matchPolicy`, errors);
  if (sideEffects === undefined || sideEffects === null) {
    errors.required(`${at}.sideEffects`, `must specify one of ${rules.sideEffects.join(', ')}`);
  } else checkOneOf(sideEffects, rules.sideEffects, `${at}.sideEffects`, errors);
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    errors.invalid(`${at}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
  }
  checkSelectorAt(webhook.namespaceSelector, `${at}.namespaceSelector`, errors);
  checkSelectorAt(webhook.objectSelector, `${at}.objectSelector`, errors);
  if ('reinvocationPolicy' in webhook) {
    checkOneOf(webhook.reinvocationPolicy, ['IfNeeded', 'Never'], `${at}.reinvocationPolicy`, errors);
  }
  checkClientConfig(webhook.clientConfig, `${at}.clientConfig`, errors);
  checkMatchConditions(webhook.matchConditions, `${at}.matchConditions`, errors, check);
  checkReviewVersions(
    webhook.admissionReviewVersions ?? [],
    `${at}.admissionReviewVersions`,
    rules.knownVersions,
    errors,
  );
}

function checkName(name: string, at: string, errors: FieldErrors): void {
  if (name === '') {
    errors.required(at);
    return;
  }
  const wrong = validateDnsSubdomain(name);
  errors.rule(at, name, wrong);
  if (wrong.length === 0 && name.split('.').length < 3) {
    errors.invalid(at, name, 'should be a domain with at least three segments separated by dots');
  }
}

const strict: UpdateRules = { sideEffects: ['None', 'NoneOnDryRun'], uniqueNames: true, knownVersions: true };

function checkAll(webhooks: readonly Webhook[], before: readonly Webhook[] | undefined, errors: FieldErrors): void {
  const lenient = before?.some((each) => !strict.sideEffects.includes(each.sideEffects ?? ''));
  const rules = lenient ? { ...strict, sideEffects: ['None', 'NoneOnDryRun', 'Some', 'Unknown'] } : strict;
  const names = new Set<string>();
  webhooks.forEach((webhook, index) => {
    const at = `webhooks[${index}]`;
    const kept = before?.some((each) => deepEqual(each.matchConditions, webhook.matchConditions));
    // What was stored may stay, whatever newer servers say of it.
    checkWebhook(webhook, at, rules, errors, kept ? () => undefined : checkCondition);
    const { name = '' } = webhook;
    if (name !== '' && names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
  });
}

const checkCondition: ExpressionCheck = (expression, at, errors) => {
  const problem = matchConditionProblem(expression);
  if (problem) addProblem(problem, expression, at, errors);
};

export const webhookStrategies: readonly NamedStrategy[] = [
  strategyFor(ValidatingWebhookConfiguration, {
    generation: 'spec',
    hollowChanges: true,
    unconditionalUpdate: false,
    defaults: ({ webhooks }) => (webhooks ?? []).forEach(defaultWebhook),
    validate: ({ webhooks }, errors, old) => checkAll(webhooks ?? [], old?.webhooks, errors),
  }),
  strategyFor(MutatingWebhookConfiguration, {
    generation: 'spec',
    hollowChanges: true,
    unconditionalUpdate: false,
    defaults: ({ webhooks }) =>
      (webhooks ?? []).forEach((each) => {
        defaultWebhook(each);
        each.reinvocationPolicy ??= 'Never';
      }),
    validate: ({ webhooks }, errors, old) => checkAll(webhooks ?? [], old?.webhooks, errors),
  }),
];
