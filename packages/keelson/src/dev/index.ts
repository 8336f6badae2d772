export { OperatorSession, type OperatorSessionOptions } from './operator-session.ts';
export { watchSources } from './watch-sources.ts';
