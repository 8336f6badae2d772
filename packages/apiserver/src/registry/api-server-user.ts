import type { UserInfo } from './contract.ts';

/** In whose name the API server itself reads and writes. */
export const apiServerUser: UserInfo = {
  name: 'system:apiserver',
  groups: ['system:masters', 'system:authenticated'],
};
