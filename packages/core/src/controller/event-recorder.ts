import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { token } from '../plugin/index.ts';

/** Writes `v1` Events about objects; equal ones within a while are counted on one Event. Never throws and never blocks. */
export interface EventRecorder {
  /**
   * @param type the kind of `object` (objects out of lists do not carry their own)
   * @param reason CamelCase, as in `ScalingReplicaSet`
   */
  event(
    type: ResourceType,
    object: KubernetesObject,
    kind: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
  /** The same recorder speaking as `component` (the Event's `source.component`), such as `deployment-controller`. */
  as(component: string, host?: string): EventRecorder;
}

export const EventRecorder = token<EventRecorder>('EventRecorder');
