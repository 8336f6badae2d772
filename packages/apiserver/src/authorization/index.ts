export { authorizerChain } from './authorizer-chain.ts';
export { escalationCheck } from './escalation-check.ts';
export { forbidden, notAllowedTo } from './forbidden.ts';
export { NodeAuthorizer } from './node/node-authorizer.ts';
export { NodeFeed } from './node/node-feed.ts';
export { nodeOf } from './node/node-identity.ts';
export { mastersGroup, RbacAuthorizer } from './rbac-authorizer.ts';
export { RbacFeed } from './rbac-feed.ts';
export { selectionOf } from './selection.ts';
