export { type Priority, WorkQueue, type WorkQueueMetrics, type WorkQueueOptions } from './work-queue.ts';
