import { once } from 'node:events';
import { stdout } from 'node:process';
import { type Clock, loadKubeconfig, type Random } from '@keelson/core';
import type { AuditMode, AuditOptions } from './audit-options.ts';
import { BatchingSink } from './batching-sink.ts';
import { type LogOutput, LogSink } from './log-sink.ts';
import { RotatingFile } from './rotating-file.ts';
import type { AuditSink, ReportLoss } from './sink.ts';
import { TruncatingSink } from './truncating-sink.ts';
import { StrictSink, UnionSink } from './union-sink.ts';
import { WebhookSink } from './webhook-sink.ts';

export interface SinkContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly lost: ReportLoss;
  readonly warn: (message: string, error: unknown) => void;
}

type Delivery = Pick<NonNullable<AuditOptions['log']>, 'mode' | 'batch' | 'truncate'>;

/** Opens what the options name. Rejects where a file cannot be opened. */
export async function openSink({ log, webhook }: AuditOptions, context: SinkContext): Promise<AuditSink> {
  const all: AuditSink[] = [];
  if (log) all.push(delivered(new LogSink(await openOutput(log, context), context.lost), log, context));
  if (webhook) {
    const { clock, random, lost } = context;
    const config = await loadKubeconfig(webhook.kubeconfig);
    const { initialBackoff } = webhook;
    all.push(delivered(new WebhookSink({ config, initialBackoff, clock, random, lost }), webhook, context));
  }
  const [only] = all;
  return all.length === 1 && only ? only : new UnionSink(all);
}

function delivered(sink: AuditSink, { mode, batch, truncate }: Delivery, { clock, lost }: SinkContext): AuditSink {
  const fitting = truncate ? new TruncatingSink(sink, truncate, lost) : sink;
  return inMode(fitting, mode, () => {
    const { bufferSize, maxSize: maxBatchSize, maxWait: maxBatchWait, throttle, throttleQps, throttleBurst } = batch;
    const limits = throttle ? { throttle: { qps: throttleQps, burst: throttleBurst } } : {};
    return new BatchingSink(fitting, { bufferSize, maxBatchSize, maxBatchWait, ...limits }, clock, lost);
  });
}

const inMode = (sink: AuditSink, mode: AuditMode, batched: () => AuditSink): AuditSink =>
  mode === 'batch' ? batched() : new StrictSink(sink, mode === 'blocking-strict');

async function openOutput(log: NonNullable<AuditOptions['log']>, { clock, warn }: SinkContext): Promise<LogOutput> {
  if (log.path === '-') return standardOutput;
  const { path, maxAge, maxBackups, compress } = log;
  const rotation = { maxSize: log.maxSize * 1024 * 1024, maxAge, maxBackups, compress };
  const file = new RotatingFile(path, rotation, clock, (error) => warn('old audit logs could not be tidied up', error));
  await file.open();
  return file;
}

const standardOutput: LogOutput = {
  async append(text) {
    if (!stdout.write(text)) await once(stdout, 'drain');
  },
  close: async () => undefined,
};
