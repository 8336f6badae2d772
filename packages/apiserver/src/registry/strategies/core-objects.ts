import type { NamedStrategy } from '../strategy.ts';
import { configObjectStrategies } from './config-objects.ts';
import { endpointsStrategy } from './endpoints.ts';
import { eventStrategies } from './event.ts';
import { limitRangeStrategy } from './limit-range.ts';
import { namespaceStrategy } from './namespace.ts';
import { nodeStrategy } from './node.ts';
import { persistentVolumeStrategy } from './persistent-volume.ts';
import { persistentVolumeClaimStrategy } from './persistent-volume-claim.ts';
import { podStrategy } from './pod.ts';
import { podTemplateStrategy, replicationControllerStrategy } from './replication-controller.ts';

/** The kinds of core/v1 but Services, whose addresses and ports have a life of their own. */
export const coreStrategies: readonly NamedStrategy[] = [
  podStrategy,
  podTemplateStrategy,
  replicationControllerStrategy,
  endpointsStrategy,
  ...eventStrategies,
  ...configObjectStrategies,
  namespaceStrategy,
  nodeStrategy,
  limitRangeStrategy,
  persistentVolumeStrategy,
  persistentVolumeClaimStrategy,
];
