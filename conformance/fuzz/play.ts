import { objectOf } from '../twin/bases.ts';
import { at, isObject, type Json } from '../twin/json.ts';
import { collection, kinds } from '../twin/kinds.ts';
import type { Answer, Exchange } from './exchange.ts';
import { judge } from './judge.ts';
import { type FuzzCase, type FuzzRequest, named } from './request.ts';

/** The namespace of all cases; as long as its word. */
export const namespace = 'fuzzns';

/** The words of a run's names, for texts whose length counts as long as the words themselves. */
export function namesFor(run: number): ReadonlyMap<string, string> {
  const id = `t${(run % 36 ** 5).toString(36).padStart(5, '0')}`;
  return new Map([
    ['id', id],
    ['ns', namespace],
    ['ip', `10.${128 + ((run >> 16) & 63)}.${(run >> 8) & 255}.${run & 255}`],
    ['net', `2001:db8:${((run >> 16) + 1).toString(16)}:${((run & 65535) + 1).toString(16)}::`],
  ]);
}

export interface Played {
  /** What was wrong, with the request that it was wrong with; `undefined`: nothing. */
  readonly fault?: { readonly request: FuzzRequest; readonly why: string };
  readonly statuses: readonly number[];
  /** The beginning of the last answer. */
  readonly last: string;
}

const json = [['content-type', 'application/json']] as const;
const simple = (method: string, target: string, body?: Json): FuzzRequest => ({
  method,
  target,
  headers: body === undefined ? [] : json,
  framing: 'length',
  ...(body !== undefined && { body: JSON.stringify(body) }),
});

/** Sends the requests of a case one after the other, judges each answer, and takes away what it made. */
export async function play(exchange: Exchange, fuzzCase: FuzzCase, run: number): Promise<Played> {
  const names = namesFor(run);
  const made: string[] = [];
  const statuses: number[] = [];
  const requests = [...baseRequests(fuzzCase), ...fuzzCase.requests].map((each) => named(each, names));
  let fault: Played['fault'];
  let last = '';
  for (const request of requests) {
    const before = changes(request) ? await revision(exchange) : undefined;
    const answer = await exchange.send(request, mayStream(request));
    statuses.push(answer.status);
    last = answer.body.toString('utf8', 0, 2000);
    made.push(...madeBy(request, answer));
    const why = judge(request, answer) ?? (await leftBehind(exchange, request, answer, before));
    if (why !== undefined) {
      fault = { request, why };
      break;
    }
  }
  if (fault?.why !== 'no answer in time') for (const path of made.reverse()) await remove(exchange, path);
  return { statuses, last, ...(fault && { fault }) };
}

function baseRequests({ base }: FuzzCase): readonly FuzzRequest[] {
  const kind = kinds.find(({ id }) => id === base);
  const object = kind && objectOf(kind);
  return object ? [simple('POST', collection(kind), object)] : [];
}

/** An answer of 200 without a length may then go on for ever. */
function mayStream({ target }: FuzzRequest): boolean {
  return /[?&](watch|follow)|\/watch\/|%77atch/i.test(target);
}

const changes = ({ method, framing }: FuzzRequest) => /^(POST|PUT|PATCH|DELETE)$/.test(method) && framing !== 'cut';

/** The store's revision, by a list of nothing. */
async function revision(exchange: Exchange): Promise<string | undefined> {
  const { body } = await exchange.send(simple('GET', '/api/v1/namespaces/fuzz-none/podtemplates?limit=1'));
  return /"resourceVersion":"(\d+)"/.exec(body.toString())?.[1];
}

/** What is refused, or only tried, leaves nothing behind. Asked twice: the server has loops of its own that write. */
async function leftBehind(
  exchange: Exchange,
  request: FuzzRequest,
  answer: Answer,
  before: string | undefined,
): Promise<string | undefined> {
  if ((await halfDone(exchange, request, answer, before)) === undefined) return undefined;
  const again = await revision(exchange);
  return halfDone(exchange, request, await exchange.send(request, mayStream(request)), again);
}

async function halfDone(
  exchange: Exchange,
  request: FuzzRequest,
  { status, broken }: Answer,
  before: string | undefined,
): Promise<string | undefined> {
  // A definition's conditions are written by a controller, and later.
  if (before === undefined || request.target.includes('customresourcedefinitions')) return undefined;
  // Addresses are taken before all is checked, and given back.
  if (request.target.includes('/services')) return undefined;
  const tried = /[?&]dryRun=All(&|$)/.test(request.target) && request.method !== 'DELETE';
  if (broken !== undefined || !(status >= 400 || tried)) return undefined;
  // Of many, some may be gone before one cannot go.
  if (request.method === 'DELETE') return undefined;
  const after = await revision(exchange);
  if (after === before) return undefined;
  return `a request ${tried ? 'only tried' : `refused with ${status}`} has changed the store: ${before} → ${after}`;
}

/** Where what an answer says it has made is. */
function madeBy(request: FuzzRequest, { status, body, headers }: Answer): string[] {
  if (status !== 201) return [];
  const path = request.target.split('?')[0] ?? '';
  if (request.method !== 'POST') return [path];
  const text = body.toString('utf8');
  const name = /json/.test(headers['content-type'] ?? '')
    ? nameIn(text)
    : (/\n? {2}name: "?([^\s"]+)/.exec(text)?.[1] ?? names(text));
  return name === undefined ? [] : [`${path.replace(/\/$/, '')}/${encodeURIComponent(name)}`];
}

const names = (text: string) => /t[0-9a-z]{5}-a|things\.t[0-9a-z]{5}\.example\.com/.exec(text)?.[0];

function nameIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const name = isObject(value) ? at(value, 'metadata.name') : undefined;
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Takes an object away, whatever finalizers a case gave it. */
export async function remove(exchange: Exchange, path: string): Promise<void> {
  const target = `${path}?gracePeriodSeconds=0&propagationPolicy=Background`;
  const { status, body } = await exchange.send(simple('DELETE', target));
  if (status !== 200 || !body.includes('"deletionTimestamp"')) return;
  const free: FuzzRequest = {
    ...simple('PATCH', path, { metadata: { finalizers: null } }),
    headers: [['content-type', 'application/merge-patch+json']],
  };
  await exchange.send(free);
  await exchange.send(simple('DELETE', target));
}
