import type { QueuedPod, SchedulerPlugin } from '@keelson/core/scheduling';

/** Pods of higher priority first; among equals, first come, first served. */
export class PrioritySort implements SchedulerPlugin {
  readonly name = 'PrioritySort';

  queueSort(a: QueuedPod, b: QueuedPod): number {
    return b.priority - a.priority || a.queuedAt - b.queuedAt;
  }
}
