export {
  type Priority,
  type TakenKey,
  type WaitingKey,
  WorkQueue,
  type WorkQueueMetrics,
  type WorkQueueOptions,
} from './work-queue.ts';
