import type { Attributes, Link, Span, SpanContext, SpanOptions, Tracer } from '@opentelemetry/api';
import type {
  BegunReconcile,
  Cause,
  ObservedReconcile,
  ReconcileObserver,
  ReconcileTrace,
  TracedWrite,
} from '../controller/index.ts';

/** What is used of `@opentelemetry/api`, which is loaded only where spans are asked for. */
export type OpenTelemetryApi = Pick<
  typeof import('@opentelemetry/api'),
  'context' | 'trace' | 'ROOT_CONTEXT' | 'SpanKind' | 'SpanStatusCode'
>;

/** Reconciles that can be linked to; the oldest are forgotten. */
const mostRemembered = 10_000;

/**
 * A span a reconcile, from when its key was queued, with spans in it for the wait, for what it read from the server and
 * for what it wrote, and a link to each reconcile whose write caused it. It is the active span while the reconcile runs,
 * so that those of other instrumentation stand below it.
 */
export class ReconcileSpans implements ReconcileObserver {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: Tracer;
  /** By the number of the trace. */
  readonly #contexts = new Map<number, SpanContext>();

  constructor(api: OpenTelemetryApi) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('@keelson/core');
  }

  began({ id, controller, key, addedAt }: BegunReconcile): ObservedReconcile {
    const { context, trace, SpanKind } = this.#api;
    const [, namespace] = /^(?:.*:)?([^/:]+)\//.exec(key) ?? [];
    const span = this.#tracer.startSpan(`reconcile ${controller}`, {
      root: true,
      kind: SpanKind.CONSUMER,
      startTime: new Date(addedAt),
      attributes: {
        'keelson.reconcile': id,
        'keelson.controller': controller,
        'keelson.key': key,
        ...(namespace !== undefined && { 'k8s.namespace.name': namespace }),
      },
    });
    this.#remember(id, span.spanContext());
    return {
      run: (act) => context.with(trace.setSpan(context.active(), span), act),
      ended: (each) => this.#end(span, each),
    };
  }

  #end(span: Span, told: ReconcileTrace): void {
    const { SpanKind, SpanStatusCode } = this.#api;
    const { addedAt, startedAt, caughtUpMs, endedAt, causes, moreCauses, outcome, priority, reads, writes } = told;
    this.#child(span, 'wait in the queue', addedAt, startedAt, { attributes: { 'keelson.priority': priority } });
    if (caughtUpMs > 0) this.#child(span, 'wait for the caches', startedAt, startedAt + caughtUpMs);
    for (const { kind, key, from, at, tookMs = 0 } of reads) {
      const attributes = { 'keelson.object': `${kind} ${key}` };
      if (from === 'cache') span.addEvent('read from the cache', attributes, new Date(at));
      else this.#child(span, `read ${kind}`, at, at + tookMs, { kind: SpanKind.CLIENT, attributes });
    }
    for (const each of writes) {
      const options = { kind: SpanKind.CLIENT, attributes: attributesOf(each) };
      this.#child(span, `${each.verb} ${each.kind}`, each.at, each.at + each.tookMs, options, each.error);
    }
    for (const each of causes) {
      const link = this.#linkTo(each);
      if (link) span.addLink(link);
    }
    span.setAttributes({
      'keelson.outcome': outcome,
      'keelson.causes': causes.map(causeText),
      ...(moreCauses > 0 && { 'keelson.more_causes': moreCauses }),
    });
    if (told.error !== undefined) {
      const error = told.error instanceof Error ? told.error : String(told.error);
      span.recordException(error, new Date(endedAt));
      span.setStatus({ code: SpanStatusCode.ERROR, message: typeof error === 'string' ? error : error.message });
    }
    span.end(new Date(endedAt));
  }

  #child(parent: Span, name: string, from: number, to: number, options: SpanOptions = {}, error?: string): void {
    const { ROOT_CONTEXT, SpanStatusCode, trace } = this.#api;
    const span = this.#tracer.startSpan(
      name,
      { ...options, startTime: new Date(from) },
      trace.setSpan(ROOT_CONTEXT, parent),
    );
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(new Date(to));
  }

  #linkTo(cause: Cause): Link | undefined {
    const writer = 'writtenBy' in cause ? cause.writtenBy : undefined;
    const context = writer === undefined ? undefined : this.#contexts.get(writer);
    return context && { context, attributes: { 'keelson.cause': causeText(cause) } };
  }

  #remember(id: number, context: SpanContext): void {
    this.#contexts.set(id, context);
    if (this.#contexts.size <= mostRemembered) return;
    for (const oldest of this.#contexts.keys()) {
      this.#contexts.delete(oldest);
      return;
    }
  }
}

function attributesOf({ kind, key, resourceVersion, noOp, line }: TracedWrite): Attributes {
  return {
    'keelson.object': `${kind} ${key}`,
    ...(resourceVersion !== undefined && { 'keelson.resource_version': resourceVersion }),
    ...(noOp && { 'keelson.no_op': true }),
    ...(line !== undefined && { 'keelson.line': line }),
  };
}

function causeText(cause: Cause): string {
  if ('object' in cause) return `${cause.type} ${cause.kind} ${cause.object}`;
  return 'watch' in cause ? `${cause.type} ${cause.watch}` : cause.type;
}
