import type { NamedStrategy } from '../../strategy.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { ingressStrategies } from './ingress.ts';
import { networkPolicy } from './network-policy.ts';
import { serviceCidrStrategies } from './service-cidr.ts';

export const networkingStrategies: readonly NamedStrategy[] = [
  ...ingressStrategies,
  networkPolicy,
  ...serviceCidrStrategies,
  endpointSlice,
];
