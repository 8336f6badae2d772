import type { Observation } from './case.ts';
import type { Wire } from './http.ts';
import { at, isObject, type Json, type JsonObject } from './json.ts';
import { readBody } from './normalise.ts';

/** What loops inside an API server do to the objects of a resource after a request has been answered. */
interface Aftermath {
  readonly path: RegExp;
  /** Whether the loops have said all that they will say. */
  readonly settled: (object: JsonObject) => boolean;
  /** A path that answers 200 once the server can serve what the object is for. */
  readonly serves?: (object: JsonObject) => string | undefined;
}

const condition = (object: JsonObject, type: string): Json | undefined => {
  const all = at(object, 'status.conditions');
  return Array.isArray(all) ? all.find((each) => at(each, 'type') === type) : undefined;
};

const aftermaths: readonly Aftermath[] = [
  {
    path: /^(\/apis\/apiextensions\.k8s\.io\/v1\/customresourcedefinitions)(?:\/([^/]+))?(?:\/status)?$/,
    settled(object) {
      const finalizers = at(object, 'metadata.finalizers');
      const cleaning = Array.isArray(finalizers) && finalizers.includes('customresourcecleanup.apiextensions.k8s.io');
      if (at(object, 'metadata.deletionTimestamp') !== undefined && cleaning) return false;
      if (!same(at(object, 'spec.names'), at(object, 'status.acceptedNames'))) return false;
      const accepted = at(condition(object, 'NamesAccepted'), 'status') === 'True';
      return !accepted || at(condition(object, 'Established'), 'status') === 'True';
    },
    serves(object) {
      const versions = at(object, 'spec.versions');
      const version = Array.isArray(versions) ? versions.find((each) => at(each, 'served') === true) : undefined;
      if (version === undefined || at(condition(object, 'Established'), 'status') !== 'True') return undefined;
      return `/apis/${at(object, 'spec.group')}/${at(version, 'name')}/${at(object, 'spec.names.plural')}`;
    },
  },
  {
    path: /^(\/apis\/apiregistration\.k8s\.io\/v1\/apiservices)(?:\/([^/]+))?(?:\/status)?$/,
    settled(object) {
      const said = condition(object, 'Available');
      const service = at(object, 'spec.service');
      if (service === undefined) return at(said, 'reason') === 'Local';
      const where = `service/${at(service, 'name')} in "${at(service, 'namespace')}"`;
      return String(at(said, 'message')).includes(where);
    },
  },
  {
    path: /^(\/apis\/flowcontrol\.apiserver\.k8s\.io\/v1\/flowschemas)(?:\/([^/]+))?(?:\/status)?$/,
    settled(object) {
      const level = at(object, 'spec.priorityLevelConfiguration.name');
      return String(at(condition(object, 'Dangling'), 'message')).includes(` named "${level}" `);
    },
  },
];

const same = (a: Json | undefined, b: Json | undefined) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (value: Json | undefined): Json =>
  isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : (value ?? null);

/** What counts as silent where nothing says that the loops are done. */
const quietMs = 1_000;
const atMostMs = 5_000;

const roomMs = 500;

/**
 * Waits for the next second where this one is nearly over: what a deletion sets off takes the servers differently long,
 * and who owns the time of a condition depends on whether the second has changed.
 */
export async function waitForRoom(method: string, path: string): Promise<void> {
  const [plain = ''] = path.split('?');
  if (method !== 'DELETE' || !aftermaths.some((each) => each.path.test(plain))) return;
  const left = 1000 - (Date.now() % 1000);
  if (left < roomMs) await new Promise((wake) => setTimeout(wake, left));
}

/** Waits until what a write has set off inside the server is over, so that what is read next does not depend on chance. */
export async function settle(wire: Wire, method: string, path: string, seen: Observation): Promise<void> {
  if (method === 'GET' || seen.status >= 300 || seen.broken !== undefined) return;
  const [plain = ''] = path.split('?');
  for (const aftermath of aftermaths) {
    const [, collection, name] = aftermath.path.exec(plain) ?? [];
    if (collection === undefined) continue;
    const names = name === undefined ? namesIn(readBody(seen)) : [decodeURIComponent(name)];
    for (const each of names) await settleOne(wire, `${collection}/${each}`, aftermath);
  }
}

async function settleOne(wire: Wire, path: string, { settled, serves }: Aftermath): Promise<void> {
  const began = Date.now();
  let version: Json | undefined;
  for (let since = began; Date.now() - began < atMostMs; ) {
    const { status, body } = await get(wire, path);
    const object = status === 200 ? parsed(body) : undefined;
    if (object === undefined) return;
    const now = at(object, 'metadata.resourceVersion');
    if (now !== version) [version, since] = [now, Date.now()];
    if (settled(object)) return waitFor(wire, serves?.(object));
    if (Date.now() - since > quietMs) return;
    await pause();
  }
}

async function waitFor(wire: Wire, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  for (const began = Date.now(); Date.now() - began < atMostMs; await pause()) {
    if ((await get(wire, path)).status === 200) return;
  }
}

const get = (wire: Wire, path: string) =>
  wire.request({ method: 'GET', path, headers: { accept: 'application/json' }, body: undefined });
const pause = () => new Promise((wake) => setTimeout(wake, 10));

function namesIn(answer: Json): string[] {
  const items = at(answer, 'items');
  const all = Array.isArray(items) ? items : [answer];
  return all.flatMap((each) => {
    const name = at(each, 'metadata.name');
    return typeof name === 'string' && name !== '' ? [encodeURIComponent(name)] : [];
  });
}

function parsed(body: Buffer): JsonObject | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
