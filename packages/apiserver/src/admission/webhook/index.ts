export type { MatchConditions, MatchConditionsCompiler, MatchOutcome, ShownObjects } from './contract.ts';
export { type RuleTarget, ruleMatches } from './rule-match.ts';
export {
  ClientConfigError,
  type LocalWebhooks,
  TransportError,
  WebhookClient,
  type WebhookClientEnvironment,
} from './webhook-client.ts';
export { type FollowKind, WebhookSources, type WebhookSourcesOptions } from './webhook-sources.ts';
