import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TraceBuffer } from '../controller/index.ts';
import { type MetricSource, metricsContentType } from '../metrics/index.ts';
import type { HealthEndpoint } from './health-endpoint.ts';
import type { ScraperAuthorization } from './scraper-authorization.ts';
import { answerText, type StatusRoute } from './status-server.ts';
import { traceLine, traceLines } from './trace-lines.ts';

/** Whoever follows traces and reads so much slower than they come is let go. */
const mostBuffered = 4 * 1024 * 1024;
const mostFollowers = 8;

export function healthRoute(endpoint: HealthEndpoint): StatusRoute {
  return async ({ path, query }, response) => {
    const { code, body } = (await endpoint.answer(path, query)) ?? { code: 404, body: '404 page not found\n' };
    answerText(response, code, body);
  };
}

/** @param authorization without it, for everybody who gets there */
export function metricsRoute(sources: readonly MetricSource[], authorization?: ScraperAuthorization): StatusRoute {
  return async ({ path, message, signal }, response) => {
    if (authorization) {
      const { code, message: why } = await authorization.decide(message.headers.authorization, path, signal);
      if (code !== 200) return answerText(response, code, `${why}\n`);
    }
    if (path !== '/metrics') return answerText(response, 404, '404 page not found\n');
    const texts = await Promise.all(sources.map((each) => each.text()));
    answerText(response, 200, texts.join(''), metricsContentType);
  };
}

/**
 * `/debug/traces?controller=&key=`: why reconciles ran, as lines of JSON; with `follow`, also those to come. Names of
 * objects and messages of errors stand there, so only who is on the same machine gets them: a developer, or who may
 * forward a port of the pod.
 */
export function tracesRoute(traces: TraceBuffer): StatusRoute {
  let followers = 0;
  return ({ path, query, message, signal }, response) => {
    if (path !== '/debug/traces') return answerText(response, 404, '404 page not found\n');
    if (!isLocal(message)) return answerText(response, 403, 'traces are told on the loopback address only\n');
    const [controller, key] = [query.get('controller'), query.get('key')];
    const filter = { ...(controller && { controller }), ...(key && { key }) };
    const present = traceLines(traces, filter);
    if (!query.has('follow')) return answerText(response, 200, present, 'application/x-ndjson');
    if (followers >= mostFollowers) return answerText(response, 429, `${mostFollowers} follow already\n`);
    followers += 1;
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
    if (present !== '') response.write(present);
    const stop = traces.listen((trace) => {
      if ((controller && trace.controller !== controller) || (key && trace.key !== key)) return;
      if (response.writableLength > mostBuffered) response.destroy();
      else response.write(traceLine(trace));
    });
    signal.addEventListener('abort', () => {
      followers -= 1;
      stop();
    });
  };
}

/** Also by the name that was asked for: a page in a browser may let its own name lead to this machine. */
function isLocal({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return (address.startsWith('127.') || address === '::1') && (host === 'localhost' || isIP(host) !== 0);
}
