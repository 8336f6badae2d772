import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { systemClock, systemRandom } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from './audit-event.ts';
import { AuditOptions } from './audit-options.ts';
import { BatchingSink } from './batching-sink.ts';
import { LogSink } from './log-sink.ts';
import { openSink } from './open-sink.ts';
import { RotatingFile } from './rotating-file.ts';
import type { AuditSink } from './sink.ts';
import { TruncatingSink } from './truncating-sink.ts';
import { StrictSink } from './union-sink.ts';

const event = (auditID: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  level: 'Request',
  auditID,
  stage: 'ResponseComplete',
  requestURI: '/',
  verb: 'get',
  user: {},
  requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
  stageTimestamp: '2026-01-01T00:00:00.000000Z',
  ...more,
});

/** Keeps what it gets, in batches. */
class Kept implements AuditSink {
  readonly name = 'kept';
  readonly batches: string[][] = [];
  works = true;

  process(events: readonly AuditEvent[]): boolean {
    this.batches.push(events.map(({ auditID }) => auditID));
    return this.works;
  }
  ready(): undefined {
    return undefined;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

const ids = (count: number) => Array.from({ length: count }, (_, at) => event(String(at)));

describe('a rotating file', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rotating-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('is put aside when it is large, compressed, and forgotten in the end; nobody else may read it', async () => {
    const clock = new FakeClock(Date.parse('2026-01-02T03:04:05.678Z'));
    const path = join(dir, 'audit.log');
    const options = { maxSize: 10, maxAge: 3, maxBackups: 2, compress: true };
    const file = new RotatingFile(path, options, clock, (error) => {
      throw error;
    });
    await file.open();
    await file.append('first\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await file.append('second\n');
    await file.close();
    expect((await readdir(dir)).sort()).toEqual(['audit-2026-01-02T03-04-05.678.log.gz', 'audit.log']);
    const old = join(dir, 'audit-2026-01-02T03-04-05.678.log.gz');
    expect(gunzipSync(await readFile(old)).toString()).toBe('first\n');
    expect((await stat(old)).mode & 0o777).toBe(0o600);
    for (const text of ['third\n', 'fourth\n', 'fifth\n']) {
      await clock.advance(24 * 60 * 60 * 1000);
      await file.append(text);
    }
    await file.close();
    expect((await readdir(dir)).sort()).toEqual([
      'audit-2026-01-04T03-04-05.678.log.gz',
      'audit-2026-01-05T03-04-05.678.log.gz',
      'audit.log',
    ]);
    expect(await readFile(path, 'utf8')).toBe('fifth\n');
  });

  it('goes on where it ended', async () => {
    const path = join(dir, 'audit.log');
    await writeFile(path, 'before\n');
    const options = { maxSize: 100_000, maxAge: 0, maxBackups: 0, compress: false };
    const file = new RotatingFile(path, options, systemClock, () => undefined);
    await file.open();
    const sink = new LogSink(file, () => undefined);
    await Promise.all([sink.process([event('a')]), sink.process([event('b'), event('c')])]);
    await sink.close();
    const [before, ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(before).toBe('before');
    expect(lines.map((line) => JSON.parse(line).auditID)).toEqual(['a', 'b', 'c']);
  });
});

describe('a batching sink', () => {
  it('hands on when a batch is full or its time has come, and loses what there is no room for', async () => {
    const clock = new FakeClock();
    const kept = new Kept();
    let lost = 0;
    const options = { bufferSize: 5, maxBatchSize: 3, maxBatchWait: 1000 };
    const sink = new BatchingSink(kept, options, clock, (_sink, _error, events) => {
      lost += events.length;
    });
    expect(sink.process(ids(2))).toBe(true);
    expect(kept.batches).toEqual([]);
    await clock.advance(1000);
    await expect.poll(() => kept.batches).toEqual([['0', '1']]);
    expect(sink.process(ids(7))).toBe(false);
    expect(lost).toBe(2);
    await expect.poll(() => kept.batches.length).toBe(2);
    await sink.close();
    expect(kept.batches).toEqual([
      ['0', '1'],
      ['0', '1', '2'],
      ['3', '4'],
    ]);
  });

  it('keeps to its pace', async () => {
    const clock = new FakeClock();
    const kept = new Kept();
    const options = { bufferSize: 100, maxBatchSize: 1, maxBatchWait: 0, throttle: { qps: 10, burst: 2 } };
    const sink = new BatchingSink(kept, options, clock, () => undefined);
    sink.process(ids(4));
    await expect.poll(() => kept.batches.length).toBe(2);
    await clock.advance(100);
    await expect.poll(() => kept.batches.length).toBe(3);
    await sink.close();
    expect(kept.batches.length).toBe(4);
  });
});

describe('a truncating sink', () => {
  it('leaves out what is too large, and cuts batches', async () => {
    const kept = new Kept();
    const taken: AuditEvent[] = [];
    const next: AuditSink = {
      name: 'next',
      process(events) {
        taken.push(...events);
        return kept.process(events);
      },
      ready: () => undefined,
      close: () => kept.close(),
    };
    const lost: string[] = [];
    const sink = new TruncatingSink(next, { maxEventSize: 500, maxBatchSize: 800 }, (_sink, _error, events) => {
      lost.push(...events.map(({ auditID }) => auditID));
    });
    const large = JSON.stringify('x'.repeat(1000));
    const long = 'u'.repeat(1000);
    await sink.process([event('a'), event('b', { requestObject: large }), event('c'), event('d', { userAgent: long })]);
    expect(kept.batches).toEqual([['a', 'b'], ['c']]);
    expect(taken[1]).toMatchObject({ annotations: { 'audit.k8s.io/truncated': 'true' } });
    expect(taken[1]).not.toHaveProperty('requestObject');
    expect(lost).toEqual(['d']);
  });
});

describe('a blocking sink', () => {
  it('refuses a request only where it is strict, and only at its beginning', async () => {
    const kept = new Kept();
    kept.works = false;
    const first = [event('a', { stage: 'RequestReceived' })];
    expect(await new StrictSink(kept, true).process(first)).toBe(false);
    expect(await new StrictSink(kept, true).process(ids(1))).toBe(true);
    expect(await new StrictSink(kept, false).process(first)).toBe(true);
  });
});

describe('a webhook', () => {
  it('gets lists of events, and is asked again when it is not well', async () => {
    const bodies: unknown[] = [];
    let refusals = 1;
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => {
        text += part.toString();
      });
      request.on('end', () => {
        response.statusCode = refusals-- > 0 ? 503 : 200;
        if (response.statusCode === 200) bodies.push(JSON.parse(text));
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const dir = await mkdtemp(join(tmpdir(), 'webhook-'));
    const kubeconfig = join(dir, 'kubeconfig');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'x',
        contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
        clusters: [{ name: 'x', cluster: { server: `http://127.0.0.1:${port}/audit` } }],
        users: [{ name: 'x', user: {} }],
      }),
    );
    const options = AuditOptions.parse({
      policy: 'x',
      webhook: { kubeconfig, initialBackoff: '1ms', batch: { maxSize: 2, maxWait: '10ms' } },
    });
    const sink = await openSink(options, {
      clock: systemClock,
      random: systemRandom,
      lost: (_sink, error) => expect.fail(String(error)),
      warn: () => undefined,
    });
    sink.process([event('a'), event('b'), event('c')]);
    await expect.poll(() => bodies.length, { timeout: 5_000 }).toBe(2);
    expect(bodies[0]).toMatchObject({
      kind: 'EventList',
      apiVersion: 'audit.k8s.io/v1',
      items: [{ auditID: 'a' }, { auditID: 'b' }],
    });
    await sink.close();
    server.close();
    server.closeAllConnections();
    await rm(dir, { recursive: true });
  });
});
