export { escalationCheck } from './escalation-check.ts';
export { forbidden } from './forbidden.ts';
export { nodeOf } from './node-rules.ts';
export { mastersGroup, RbacAuthorizer } from './rbac-authorizer.ts';
export { RbacFeed } from './rbac-feed.ts';
