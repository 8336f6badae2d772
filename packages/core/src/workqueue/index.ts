export { type Priority, type TakenKey, WorkQueue, type WorkQueueMetrics, type WorkQueueOptions } from './work-queue.ts';
