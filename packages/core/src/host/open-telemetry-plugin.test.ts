import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Secret } from '../api/index.ts';
import { Clients, createClient } from '../client/index.ts';
import { Controllers, TerminalError, watch } from '../controller/index.ts';
import { Informers } from '../informer/index.ts';
import { definePlugin } from '../plugin/index.ts';
import { FakeClock, silentLogger } from '../testing/index.ts';
import { controllerManagerPlugin, createHost, informersPlugin, openTelemetryPlugin } from './index.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
afterAll(async () => {
  trace.disable();
  context.disable();
  await provider.shutdown();
});

describe('spans of OpenTelemetry', () => {
  it('hold the wait, reads and writes, and lead to the reconcile whose write was the cause', async () => {
    const client = createClient(new ModelApi());
    const clock = new FakeClock();
    const connection = definePlugin({
      name: 'connection',
      register: ({ provide }) => provide.value(Clients, { as: () => client }),
    });
    const controllers = definePlugin({
      name: 'tested',
      register: ({ provide }) => {
        provide.factory(
          Controllers,
          (informers: Informers) => ({
            name: 'sources',
            watches: [watch(informers.for(Secret)).self()],
            async reconcile(key, reconcile) {
              const tracked = reconcile.track(client);
              const secret = await tracked.get(Secret, { name: 'a', namespace: 'default' });
              reconcile.read('Secret', key);
              trace.getTracer('mine').startSpan('my own').end();
              await tracked.create(ConfigMap, { metadata: { name: secret.metadata.name, namespace: 'default' } });
            },
          }),
          [Informers],
        );
        provide.factory(
          Controllers,
          (informers: Informers) => ({
            name: 'copies',
            watches: [watch(informers.for(ConfigMap)).self()],
            reconcile: () => Promise.reject(new TerminalError('not today')),
          }),
          [Informers],
        );
      },
    });
    const host = createHost({
      plugins: [connection, informersPlugin, controllerManagerPlugin, await openTelemetryPlugin(), controllers],
      logger: silentLogger,
      clock,
    });
    await host.start();
    await clock.advance(1_000);
    await client.create(Secret, { metadata: { name: 'a', namespace: 'default' } });
    await clock.advance(1_000);
    await host.stop();

    const spans = exporter.getFinishedSpans();
    const find = (name: string) => {
      const found = spans.filter((each) => each.name === name);
      expect(found.map((each) => each.name)).toEqual([name]);
      return found[0] ?? expect.fail(name);
    };
    const source = find('reconcile sources');
    expect(source.parentSpanContext).toBeUndefined();
    expect(source.startTime[0]).toBe(Date.UTC(2026, 0, 1, 0, 0, 1) / 1_000);
    expect(source.attributes).toMatchObject({
      'keelson.controller': 'sources',
      'keelson.key': 'default/a',
      'k8s.namespace.name': 'default',
      'keelson.outcome': 'success',
      'keelson.causes': ['added Secret default/a'],
    });
    expect(source.events.map((each) => each.name)).toEqual(['read from the cache']);
    const below = spans.filter((each) => each.parentSpanContext?.spanId === source.spanContext().spanId);
    expect(below.map((each) => each.name).toSorted()).toEqual([
      'create ConfigMap',
      'my own',
      'read Secret',
      'wait in the queue',
    ]);
    expect(find('create ConfigMap').attributes).toEqual({
      'keelson.object': 'ConfigMap default/a',
      'keelson.resource_version': '3',
    });
    const copy = find('reconcile copies');
    expect(copy.links.map((each) => each.context.spanId)).toEqual([source.spanContext().spanId]);
    expect(copy.spanContext().traceId).not.toBe(source.spanContext().traceId);
    expect(copy.status).toEqual({ code: SpanStatusCode.ERROR, message: 'not today' });
  });
});
