import type { UserInfo } from '../../registry/contract.ts';

const prefix = 'system:node:';
const nodesGroup = 'system:nodes';

/** Which node a user is (kubernetes.io/docs/reference/access-authn-authz/node); `''`: a node without a name. */
export function nodeOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(prefix) && groups.includes(nodesGroup) ? name.slice(prefix.length) : undefined;
}
