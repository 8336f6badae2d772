export {
  type AllOf,
  type Dependency,
  type OptionalOf,
  type Phase,
  type Plugin,
  type PluginContext,
  type Provide,
  phases,
  type Resolved,
  type ResolvedAll,
  type Token,
} from './contract.ts';
export { Clock, Logger, Random } from './environment.ts';
export { type HealthCheck, HealthChecks } from './health-checks.ts';
export { type Lifecycle, Lifecycles } from './lifecycle.ts';
export { type PluginGrant, PluginGrants } from './plugin-grants.ts';
export { all, definePlugin, optional, token, tokenList } from './token.ts';
