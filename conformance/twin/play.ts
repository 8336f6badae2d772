import type { Names, Observation, Run, Start, Step, TwinCase } from './case.ts';
import type { OpenWatch, Wire, WireRequest } from './http.ts';
import { at, isObject, type Json, merged } from './json.ts';
import { settle, waitForRoom } from './settle.ts';

export interface PlayOptions {
  /** How long a watch must be silent to count as read. */
  readonly idleMs: number;
  readonly start: Start;
}

/** Plays a case on one side. */
export async function play(wire: Wire, twinCase: TwinCase, names: Names, { idleMs, start }: PlayOptions): Promise<Run> {
  const answers = new Map<string, Json | undefined>();
  const raw = new Map<string, Buffer>();
  const fill = (text: string) => filled(text, names, answers);
  const startedAt = Date.now();
  if (twinCase.namespaced) {
    const metadata = { name: names.ns, labels: { twin: names.id } };
    await wire.request(wireRequest({ method: 'POST', path: '/api/v1/namespaces', json: { metadata } }, fill, answers));
  }
  const observations: Observation[] = [];
  const watches = new Map<number, OpenWatch>();
  const waits: number[] = [];
  for (const [index, step] of twinCase.steps.entries()) {
    if (step.waitMs) {
      // Times are cut to the second: a shorter wait need not show in them.
      if (step.waitMs >= 2000) waits.push(Date.now() + step.waitMs / 2);
      await new Promise((wake) => setTimeout(wake, step.waitMs));
    }
    const request = wireRequest(step, fill, answers, raw);
    if (step.watch) {
      const watch = await wire.watch(request);
      watches.set(index, watch);
      observations.push(watch.observation);
      continue;
    }
    await waitForRoom(request.method, request.path);
    const seen = step.until === undefined ? await wire.request(request) : await asked(wire, request, fill(step.until));
    observations.push(seen);
    await settle(wire, request.method, request.path, seen);
    if (step.id) {
      answers.set(step.id, parsed(seen.body));
      raw.set(step.id, seen.body);
    }
  }
  await Promise.all(
    [...watches].map(async ([index, watch]) => {
      observations[index] = await watch.finish(idleMs);
    }),
  );
  for (const step of twinCase.after ?? []) await wire.request(wireRequest(step, fill, answers));
  return { observations, startedAt, waits, host: wire.host, start };
}

const longestUntilMs = 10_000;
const longestMissingMs = 2_000;

/** The answer that holds a text, or the last one. */
async function asked(wire: Wire, request: WireRequest, text: string): Promise<Observation> {
  for (const began = Date.now(); ; ) {
    const seen = await wire.request(request);
    // What is not there by then was refused before.
    const longestMs = seen.status === 404 ? longestMissingMs : longestUntilMs;
    if (seen.body.includes(text) || Date.now() - began > longestMs) return seen;
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

function parsed(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function wireRequest(
  step: Step,
  fill: (text: string) => string,
  answers: ReadonlyMap<string, Json | undefined>,
  raw: ReadonlyMap<string, Buffer> = new Map(),
) {
  const query = Object.entries(step.query ?? {}).map(([key, value]) => `${key}=${encodeURIComponent(fill(value))}`);
  const body = bytesOf(step, raw) ?? bodyOf(step, fill, answers);
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'twin/v1' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  for (const [key, value] of Object.entries(step.headers ?? {})) {
    if (value === '') delete headers[key.toLowerCase()];
    else headers[key.toLowerCase()] = fill(value);
  }
  return {
    method: step.method,
    path: fill(step.path) + (query.length > 0 ? `?${query.join('&')}` : ''),
    headers,
    body: body === undefined ? undefined : Buffer.from(body),
  };
}

function bytesOf({ bytes }: Step, raw: ReadonlyMap<string, Buffer>): Buffer | undefined {
  if (!bytes) return undefined;
  const whole = raw.get(bytes.step) ?? Buffer.alloc(0);
  return whole.subarray(bytes.without ?? 0, whole.length - (bytes.cut ?? 0));
}

function bodyOf(
  { json, text, from }: Step,
  fill: (text: string) => string,
  answers: ReadonlyMap<string, Json | undefined>,
) {
  if (text !== undefined) return fill(text);
  if (json !== undefined) return JSON.stringify(filledJson(json, fill));
  if (from) return JSON.stringify(merged(answers.get(from.step) ?? {}, filledJson(from.merge, fill)));
  return undefined;
}

function filledJson(value: Json, fill: (text: string) => string): Json {
  if (typeof value === 'string') return fill(value);
  if (Array.isArray(value)) return value.map((each) => filledJson(each, fill));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [fill(key), filledJson(each, fill)]));
}

/** A text with its placeholders replaced; what a step did not answer is empty. */
export function filled(text: string, names: Names, answers: ReadonlyMap<string, Json | undefined>): string {
  if (!text.includes('{{')) return text;
  return text.replace(/\{\{(\w+)(?::([^}]+))?\}\}/g, (whole, name: string, path: string | undefined) => {
    if (path === undefined)
      return name === 'ns' || name === 'id' || name === 'ip' || name === 'net' ? names[name] : whole;
    const value = at(answers.get(name), path);
    return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  });
}
