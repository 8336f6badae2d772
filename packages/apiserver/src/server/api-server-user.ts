import { mastersGroup } from '../authorization/index.ts';
import type { UserInfo } from '../registry/contract.ts';

/** In whose name the API server itself reads and writes. */
export const apiServerUser: UserInfo = {
  name: 'system:apiserver',
  groups: [mastersGroup, 'system:authenticated'],
};
