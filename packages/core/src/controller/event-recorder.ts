import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { token } from '../plugin/index.ts';

/** What may be said of an event beside its reason and message. */
export interface EventOptions {
  /** What was done or tried, as in `Binding`. With it the Event is one of events.k8s.io. */
  readonly action: string;
  /** Another object that has to do with it. */
  readonly related?: { readonly type: ResourceType; readonly object: KubernetesObject };
}

/**
 * Writes Events about objects, equal ones as one: those of the core group as client-go's tools/record does it, or, with
 * an `action`, those of events.k8s.io as its tools/events does it. Never throws and never blocks.
 */
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
    options?: EventOptions,
  ): void;
  /** The same recorder speaking as `component` (the Event's `source.component`), such as `deployment-controller`. */
  as(component: string, host?: string): EventRecorder;
}

export const EventRecorder = token<EventRecorder>('EventRecorder');
