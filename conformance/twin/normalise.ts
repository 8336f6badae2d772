import { parse as parseYaml } from 'yaml';
import { type Names, type Observation, type Run, runsIn, type Step, type TwinCase } from './case.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { decodeProtobuf } from './protobuf.ts';
import { inSteadyWarnings } from './unordered-causes.ts';

/** An answer in which everything that must differ between two servers is replaced by what must not. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, Json>>;
  readonly body: Json;
}

/**
 * Headers that clients read, by how they are compared: `value` as it stands, `present` only whether it is there.
 * Retry-After's and the others' values are part of the contract; an ETag's is not.
 */
const headerRules: Readonly<Record<string, 'value' | 'present'>> = {
  'content-type': 'value',
  'content-encoding': 'value',
  'cache-control': 'value',
  'retry-after': 'value',
  allow: 'value',
  'accept-patch': 'value',
  location: 'value',
  vary: 'value',
  'www-authenticate': 'value',
  'x-content-type-options': 'value',
  'audit-id': 'present',
  etag: 'present',
  'x-kubernetes-pf-flowschema-uid': 'present',
  'x-kubernetes-pf-prioritylevel-uid': 'present',
};

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const moment = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const jwt = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/;
/** In a table's cells, of what was made at most an hour ago. */
const age = /^(\d+m)?(\d+s)?$/;
const serviceIp = /^10\.96\.\d{1,3}\.\d{1,3}$/;

/**
 * Makes one side's answers comparable with the other side's.
 * @param isOther whether the run with this number is another case's: what it made is on a server, too, or is not yet.
 */
export function normalise(
  twinCase: TwinCase,
  names: Names,
  run: Run,
  isOther: (run: number) => boolean = () => false,
): Answer[] {
  const isOthers = (value: Json) => {
    const text = JSON.stringify(value);
    return !text.includes(names.id) && !text.includes(names.ip) && runsIn(text).some(isOther);
  };
  const bodies = run.observations.map((seen, index) => {
    const step = twinCase.steps[index];
    const body = readBody(seen, step?.watch);
    if (step && isOverAtOnce(step) && Array.isArray(body)) return [];
    return step && isWide(step) ? withoutOthers(body, isOthers) : body;
  });
  const known = new Known(twinCase, names, run);
  for (const body of bodies) known.learn(body);
  known.order();
  return run.observations.map((seen, index) => ({
    status: seen.broken !== undefined ? 0 : seen.status,
    headers: {
      ...headersOf(seen, known),
      // Of a stream, the events tell; how many there are is not the same for both where others make some.
      ...(!twinCase.steps[index]?.watch && layoutOf(seen)),
      ...(seen.broken !== undefined && { broken: seen.broken }),
    },
    body: known.replace(bodies[index] ?? null, seen.at),
  }));
}

function headersOf({ headers }: Observation, known: Known): Record<string, Json> {
  const result: Record<string, Json> = {};
  for (const [name, rule] of Object.entries(headerRules)) {
    const value = headers[name];
    if (value !== undefined) result[name] = rule === 'present' ? '<present>' : known.text(String(value));
  }
  const warnings = headers['warning'];
  if (warnings !== undefined) {
    // Several Warning headers are one, with commas, in HTTP/2.
    const all = String(warnings).match(/\d{3} \S+ "(?:[^"\\]|\\.)*"/g) ?? [String(warnings)];
    result['warning'] = inSteadyWarnings(all.map((each) => known.text(each)));
  }
  return result;
}

/** How a JSON body is laid out, which parsing it does not tell. */
function layoutOf({ headers, body }: Observation): Record<string, Json> {
  if (body.length === 0 || !String(headers['content-type'] ?? '').includes('json')) return {};
  const text = body.toString('utf8');
  return {
    '(layout)': `${/^[{[]\n/.test(text) ? 'indented' : 'one line'}${text.endsWith('\n') ? ', newline at the end' : ''}`,
  };
}

/** A watch whose time is over before it begins: the real server sends of what is there what it gets to. */
const isOverAtOnce = ({ watch, query, path }: Step) =>
  watch === true && (String(query?.['timeoutSeconds'] ?? '').startsWith('-') || /[?&]timeoutSeconds=-\d/.test(path));

/** Whether a request may be answered with what other cases made. Where it may not, that is a difference like any. */
const isWide = ({ path, query }: Step) => !/\{\{(ns|id|ip|net)\}\}/.test(path + JSON.stringify(query ?? {}));

/** A list, a table or a watch's events without what belongs to others. */
function withoutOthers(body: Json, isOthers: (value: Json) => boolean): Json {
  if (Array.isArray(body)) return body.filter((each) => !isOthers(each));
  if (!isObject(body)) return body;
  const result = { ...body };
  for (const name of ['items', 'rows']) {
    const all = body[name];
    if (Array.isArray(all)) result[name] = all.filter((each) => !isOthers(each));
  }
  return result;
}

/** The body as JSON: an object, a watch's events (`isWatch`: also where there are none), or text. */
export function readBody({ headers, body, status }: Observation, isWatch = false): Json {
  if (body.length === 0) return isWatch && status === 200 ? [] : null;
  const type = String(headers['content-type'] ?? '');
  try {
    if (type.includes('protobuf')) {
      return type.includes('stream=watch')
        ? framed(body)
            .map(decodeProtobuf)
            .filter((each) => !isChance(each))
        : decodeProtobuf(body);
    }
    const text = body.toString('utf8');
    if (type.includes('yaml')) return parseYaml(text) as Json;
    if (!type.includes('json')) return text;
    const lines = text.trimEnd().split('\n');
    if (type.includes('stream=watch') || (lines.length > 1 && lines.every((each) => each.startsWith('{"type":')))) {
      return lines.map((each) => JSON.parse(each) as Json).filter((each) => !isChance(each));
    }
    const value = JSON.parse(text) as Json;
    const isEvent = isObject(value) && typeof value['type'] === 'string' && isObject(value['object']);
    return isEvent ? [value].filter((each) => !isChance(each)) : value;
  } catch (error) {
    return { '<unreadable>': body.toString('latin1'), error: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Events that come or do not: bookmarks, but for the one that ends the streamed initial list, and what the real server
 * says at times of a watch whose time is over before it begins.
 */
function isChance(event: Json): boolean {
  if (!isObject(event) || !isObject(event['object'])) return false;
  const { metadata, message } = event['object'];
  if (event['type'] === 'ERROR') return message === 'context deadline exceeded';
  if (event['type'] !== 'BOOKMARK') return false;
  return !(isObject(metadata) && isObject(metadata['annotations']));
}

function framed(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let start = 0; start + 4 <= bytes.length; ) {
    const end = start + 4 + bytes.readUInt32BE(start);
    frames.push(bytes.subarray(start + 4, end));
    start = end;
  }
  return frames;
}

const isConflict = (cause: Json) => isObject(cause) && cause['reason'] === 'FieldManagerConflict';

const generatedPart = /^[bcdfghjklmnpqrstvwxz2456789]{5}$/;
const mostOfPrefix = 58;

/** What names that a server makes begin with: as much of each `generateName` as fits. */
function prefixesIn(steps: TwinCase['steps'], names: Names): string[] {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value)) {
      if (key === 'generateName' && typeof each === 'string' && each !== '') {
        const said = each.replaceAll('{{ns}}', names.ns).replaceAll('{{id}}', names.id);
        found.add(said.slice(0, mostOfPrefix));
      } else look(each);
    }
  };
  look(steps);
  return [...found];
}

/** What one side made up by itself: its uids, versions, times, addresses and names. */
class Known {
  readonly #sent: string;
  readonly #prefixes: readonly string[];
  readonly #names: Names;
  readonly #run: Run;
  readonly #uids = new Map<string, string>();
  readonly #versions = new Set<number>();
  readonly #created = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  readonly #ports = new Map<number, string>();
  readonly #generated = new Map<string, string>();
  #order: number[] = [];

  constructor(twinCase: TwinCase, names: Names, run: Run) {
    this.#sent = JSON.stringify(twinCase.steps);
    this.#prefixes = prefixesIn(twinCase.steps, names);
    this.#names = names;
    this.#run = run;
  }

  learn(value: Json, key = ''): void {
    if (typeof value === 'string') this.#learnText(value, key);
    else if (typeof value === 'number') this.#learnNumber(value, key);
    else if (Array.isArray(value)) for (const each of value) this.learn(each, key);
    else if (isObject(value)) {
      this.#learnMetadata(value['metadata']);
      // In one order for both sides, whatever theirs is.
      for (const name of Object.keys(value).sort()) this.learn(value[name] ?? null, name);
    }
  }

  #learnText(value: string, key: string): void {
    if (key === 'token' && jwt.test(value)) {
      this.#learnText(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString('utf8'), '');
      return;
    }
    // A short prefix stands in uids, too.
    const named = value.replace(uuid, ' ');
    for (const prefix of this.#prefixes) {
      for (let at = named.indexOf(prefix); at >= 0; at = named.indexOf(prefix, at + 1)) {
        const rest = named.slice(at + prefix.length, at + prefix.length + 5);
        const name = prefix + rest;
        if (!generatedPart.test(rest) || this.#generated.has(name)) continue;
        this.#generated.set(name, `${prefix}<generated:${this.#generated.size + 1}>`);
      }
    }
    for (const [uid] of value.matchAll(uuid)) {
      if (!this.#uids.has(uid) && !this.#sent.includes(uid)) this.#uids.set(uid, `<uid:${this.#uids.size + 1}>`);
    }
    const isAddress = key === 'clusterIP' || key === 'clusterIPs' || key === 'ip';
    if (isAddress) this.#learnAddress(value);
    // The record of an address may be refused, and is named by the address that was chosen.
    for (const [, name = ''] of value.matchAll(/failed to allocate IP: IPAddress\S* "([^"]+)" is invalid/g))
      this.#learnAddress(name);
  }

  #learnAddress(value: string): void {
    if (serviceIp.test(value) && !this.#addresses.has(value) && !this.#sent.includes(value))
      this.#addresses.set(value, `<service-ip:${this.#addresses.size + 1}>`);
  }

  #learnNumber(value: number, key: string): void {
    if ((key !== 'nodePort' && key !== 'healthCheckNodePort') || value === 0) return;
    if (this.#ports.has(value) || this.#sent.includes(String(value))) return;
    // Out of the range it stays as it is, and differs.
    if (value >= 30000 && value <= 32767) this.#ports.set(value, `<node-port:${this.#ports.size + 1}>`);
  }

  #learnMetadata(metadata: Json | undefined): void {
    if (!isObject(metadata)) return;
    const { uid, resourceVersion } = metadata;
    if (typeof uid !== 'string' || typeof resourceVersion !== 'string' || !/^\d+$/.test(resourceVersion)) return;
    if (Number(resourceVersion) > this.#run.start.version) this.#versions.add(Number(resourceVersion));
  }

  order(): void {
    this.#order = [...this.#versions].sort((a, b) => a - b);
  }

  replace(value: Json, at: number, key = '', parent?: JsonObject): Json {
    if (typeof value === 'string') return this.#replaceText(value, at, key, parent);
    if (typeof value === 'number') return this.#ports.get(value) ?? value;
    if (Array.isArray(value)) return value.map((each) => this.replace(each, at, key));
    if (!isObject(value)) return value;
    const result: JsonObject = {};
    // These come from a map, too.
    if (key === 'details' && Array.isArray(value['causes']) && value['causes'].every(isConflict)) {
      const causes = value['causes'].map((each) => JSON.stringify(this.replace(each, at))).sort();
      return { ...value, causes: causes.map((each) => JSON.parse(each) as Json) };
    }
    // The real server makes this list from a map, in an order that changes from answer to answer.
    if (key === 'status' && Array.isArray(value['resourceRules'])) return this.#sortedRules(value, at);
    for (const [name, each] of Object.entries(value)) result[this.text(name)] = this.replace(each, at, name, value);
    return result;
  }

  #sortedRules(status: JsonObject, at: number): Json {
    const sorted = (rules: Json | undefined): Json =>
      Array.isArray(rules)
        ? rules.map((each) => this.replace(each, at)).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
        : (rules ?? null);
    const { resourceRules = null, nonResourceRules = null } = status;
    return { ...status, resourceRules: sorted(resourceRules), nonResourceRules: sorted(nonResourceRules) };
  }

  #replaceText(value: string, at: number, key: string, parent: JsonObject | undefined): Json {
    if (key === 'resourceVersion') return this.#version(value, parent);
    if (key === 'continue' && value !== '') return '<continue>';
    if (key === 'token' && jwt.test(value)) return this.#token(value, at);
    if (key === 'cells' && value !== '' && age.test(value)) return '<age>';
    // As in `80:30913/TCP`.
    if (key === 'cells') value = value.replace(/(?<=:)\d{5}(?=\/)/g, (port) => this.#ports.get(Number(port)) ?? port);
    if (timestamp.test(value)) return this.#time(value, at, key, parent);
    return this.text(value);
  }

  /** A token by what it says: when it was given out, and by which key, is each side's own. */
  #token(value: string, at: number): Json {
    const [header = null, claims = null] = value
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Json);
    if (!isObject(header) || !isObject(claims)) return value;
    const from = Number(claims['iat']);
    const times: JsonObject = Object.fromEntries(
      Object.entries(claims).map(([name, each]) => [
        name,
        typeof each === 'number' && each > 1e9 ? `<iat+${each - from}>` : each,
      ]),
    );
    for (const each of [claims, claims['kubernetes.io']])
      if (isObject(each) && typeof each['warnafter'] === 'number') times['warnafter'] = each['warnafter'] - from;
    return this.replace({ header: { ...header, kid: '<key>' }, claims: times }, at);
  }

  /** Whether a case says just this: short digits are in every other word. */
  #sentWhole(value: string): boolean {
    return this.#sent.includes(`"${value}"`);
  }

  /** An object's version is its place in the order of all of this case; a list's, which of them it has seen. */
  #version(value: string, parent: JsonObject | undefined): string {
    if (!/^[1-9]\d*$/.test(value)) return value;
    const number = Number(value);
    if (parent?.['uid'] !== undefined && number <= this.#run.start.version && !this.#sentWhole(value))
      return '<version:start>';
    const rank = this.#rank(number);
    if (this.#versions.has(number) && parent?.['uid'] !== undefined) return `<version:${rank}>`;
    if (parent?.['uid'] === undefined && !this.#sentWhole(value)) return `<version>=${rank}>`;
    return value;
  }

  /** How many of this case's versions there were by then. */
  #rank(version: number): number {
    return this.#order.filter((each) => each <= version).length;
  }

  #time(value: string, at: number, key: string, parent: JsonObject | undefined): string {
    const ms = Date.parse(value);
    const fraction = /\.(\d+)Z$/.exec(value)?.[1]?.length ?? 0;
    const shape = fraction === 0 ? 's' : `1e-${fraction}s`;
    const { startedAt, waits, start } = this.#run;
    if (this.#sent.includes(value) || ms < start.since) return value;
    // Times are cut to the second.
    if (ms < startedAt - 1000) return `<before:${shape}>`;
    if (ms > at + 1500) return `<now+${Math.round((ms - at) / 1000)}s:${shape}>`;
    const phase = waits.filter((middle) => middle < ms).length;
    let changed = '';
    // Only what is stored has been made once.
    if (key === 'creationTimestamp' && typeof parent?.['uid'] === 'string' && parent['resourceVersion']) {
      const first = this.#created.get(parent['uid']) ?? value;
      this.#created.set(parent['uid'], first);
      if (first !== value) changed = ', changed';
    }
    return `<now${phase > 0 ? ` after wait ${phase}` : ''}:${shape}${changed}>`;
  }

  /** A text with this case's names and this side's inventions replaced. */
  text(value: string): string {
    let result = value.replaceAll(this.#run.host, '<server>');
    // Each side has its own certificate for the same person.
    result = result.replace(/^X509SHA256=[0-9a-f]{64}$/, 'X509SHA256=<certificate>');
    result = result.replace(uuid, (uid) => this.#uids.get(uid) ?? uid);
    for (const [from, to] of this.#generated) result = result.replaceAll(from, to);
    for (const [from, to] of this.#addresses) result = result.replaceAll(from, to);
    result = result.replaceAll(this.#names.ns, '{{ns}}').replaceAll(this.#names.id, '{{id}}');
    result = result.replaceAll(this.#names.ip, '{{ip}}').replaceAll(this.#names.net, '{{net}}');
    // Each side signs its own client certificate.
    result = result.replace(/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<certificate>');
    // Objects that are told in a message.
    result = result.replace(moment, (time) =>
      this.#sent.includes(time) || Date.parse(time) < this.#run.start.since ? time : '<time>',
    );
    result = result.replace(/(\bresourceVersion[\\":]+)(\d+)/g, (whole, before: string, digits: string) =>
      this.#sentWhole(digits) ? whole : `${before}<version>=${this.#rank(Number(digits))}>`,
    );
    // Bytes that a server gave hold what it made up; said in a message, they come back.
    if (this.#sent.includes('"bytes":')) result = result.replace(/\([0-9a-f]{12,}( \.\.\.)?\)/, '(<bytes>$1)');
    // Which version a server is at depends on what else was asked of it.
    result = result.replace(/(Too large resource version: \d+, current: )\d+/, '$1<version>');
    if (/resource ?version|precondition/i.test(result))
      result = result.replace(/\d+/g, (digits) =>
        this.#versions.has(Number(digits)) && !this.#sentWhole(digits)
          ? `<version:${this.#order.indexOf(Number(digits)) + 1}>`
          : digits,
      );
    return result;
  }
}
