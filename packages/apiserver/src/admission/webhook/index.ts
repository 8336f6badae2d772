export type { MatchConditions, MatchConditionsCompiler, MatchOutcome, ShownObjects } from './contract.ts';
export { type RuleTarget, ruleMatches } from './rule-match.ts';
export { type FollowKind, WebhookSources, type WebhookSourcesOptions } from './webhook-sources.ts';
