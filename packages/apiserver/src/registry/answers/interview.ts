import type { Ask, Base, Outcome } from './base.ts';
import { comparable } from './outcome.ts';
import { type Violation, violated, violationsOf } from './violations.ts';

/** One question about a base and its answer. `accepted` objects are kept only where nothing is wrong with the object. */
export type Answered = readonly [Violation, Outcome];

/** All that was asked about one base. */
export interface Interview {
  readonly path: string;
  readonly body: Base['body'];
  readonly plain: Outcome;
  readonly create: readonly Answered[];
  /** The object as the control plane stored it, the base of updates. */
  readonly stored?: Json;
  readonly update?: readonly Answered[];
  readonly withStatus?: Json;
  readonly status?: readonly Answered[];
}

type Json = Readonly<Record<string, unknown>>;
const server = ['uid', 'creationTimestamp', 'resourceVersion', 'managedFields', 'generation'];

/** What is asked: of a base, or again what was asked before. */
export type Plan = Pick<Interview, 'path' | 'body'> & {
  readonly create: readonly Violation[];
  readonly update?: (stored: Json) => { readonly stored: Json; readonly violations: readonly Violation[] };
  readonly status?: (stored: Json) => { readonly stored: Json; readonly violations: readonly Violation[] };
};

export function planOf(base: Base): Plan {
  const { path, body, more = [], moreUpdates = [], moreStatus = [], only = false } = base;
  const all = (object: Json) => (only ? [] : violationsOf(object));
  const metadata: readonly Violation[] = [['/metadata/annotations/bad key!', 'x']];
  return {
    path,
    body,
    create: [...all(body), ...more],
    ...(base.updates && {
      update: (stored) => ({
        stored,
        violations: [
          ...all({ ...stored, status: undefined }).filter(([at]) => at !== '/status'),
          ...more,
          ...moreUpdates,
          ...metadata,
        ],
      }),
    }),
    ...(base.status && {
      status: (stored) => {
        const status = { ...(stored['status'] as Json | undefined), ...base.status };
        const violations = all({ status }).filter(([at]) => at !== '');
        return { stored: { ...stored, status }, violations: [...violations, ...moreStatus, ...metadata] };
      },
    }),
  };
}

/** Asks again what was asked in a recorded interview. */
export function planAgain({ path, body, create, stored, update, withStatus, status }: Interview): Plan {
  const changes = (list: readonly Answered[]) => list.map(([violation]) => violation);
  return {
    path,
    body,
    create: changes(create),
    ...(stored && update && { update: () => ({ stored, violations: changes(update) }) }),
    ...(withStatus && status && { status: () => ({ stored: withStatus, violations: changes(status.slice(1)) }) }),
  };
}

/** The object once the server's own controllers have nothing more to write to it: those of definitions do. */
async function settled(ask: Ask, path: string): Promise<Outcome> {
  for (let attempt = 0; ; attempt++) {
    const outcome = await ask({ method: 'GET', path, dryRun: false });
    const text = JSON.stringify(outcome.object ?? {});
    if (!path.includes('/customresourcedefinitions/') || text.includes('"Established"') || attempt > 500)
      return outcome;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const versionOf = ({ object }: Outcome) =>
  (object as { readonly metadata?: { readonly resourceVersion?: unknown } } | undefined)?.metadata?.resourceVersion;

function versioned(object: Json, resourceVersion: unknown): Json {
  return { ...object, metadata: { ...(object['metadata'] as Json), resourceVersion } };
}

const uidOf = ({ object }: Outcome) =>
  String((object as { readonly metadata?: { readonly uid?: unknown } } | undefined)?.metadata?.uid ?? '');

/** Jobs carry their own UID in labels: it is another one on every server. */
const mark = '00000000-0000-4000-8000-00000000000a';
const replaced = (value: Json, from: string, to: string): Json =>
  from === '' ? value : (JSON.parse(JSON.stringify(value).replaceAll(from, to)) as Json);

function plainOf(object: unknown): Json {
  const { metadata, ...rest } = object as { readonly metadata: Json };
  const kept = Object.entries(metadata).filter(([key]) => !server.includes(key));
  return { ...rest, metadata: Object.fromEntries(kept) };
}

export async function interview(ask: Ask, plan: Plan): Promise<Interview> {
  const { path, body } = plan;
  const tryOut = (each: Violation) =>
    ask({ method: 'POST', path, dryRun: true, body: violated(body, each) }).then(
      (outcome) => [each, comparable(outcome)] as const,
    );
  const plain = comparable(await ask({ method: 'POST', path, dryRun: true, body }));
  const create = await inTurn(plan.create, tryOut);
  if (!plan.update && !plan.status) return { path, body, plain, create };
  const object = `${path}/${body.metadata.name}`;
  await ask({ method: 'DELETE', path: object, dryRun: false });
  const made = await ask({ method: 'POST', path, dryRun: false, body });
  if (made.code >= 300) throw new Error(`${object} cannot be made: ${made.message}`);
  const get = await settled(ask, object);
  const uidNow = uidOf(get);
  const put = async (at: string, whole: Json, version: unknown, each: Violation): Promise<Answered> => {
    const of = (at: unknown) => replaced(violated(versioned(whole, at), each), mark, uidNow);
    let outcome = await ask({ method: 'PUT', path: at, dryRun: true, body: of(version) });
    // Somebody of the server's own has written since.
    if (outcome.code === 409)
      outcome = await ask({
        method: 'PUT',
        path: at,
        dryRun: true,
        body: of(versionOf(await ask({ method: 'GET', path: object, dryRun: false }))),
      });
    return [each, comparable(outcome)];
  };
  const marked = replaced(plainOf(get.object), uidNow, mark);
  const asked = plan.update?.(marked);
  const update = asked && (await inTurn(asked.violations, (each) => put(object, asked.stored, versionOf(get), each)));
  const then = plan.status?.(marked);
  let status: readonly Answered[] | undefined;
  if (then) {
    const body = replaced(versioned(then.stored, versionOf(get)), mark, uidNow);
    const written = await ask({ method: 'PUT', path: `${object}/status`, dryRun: false, body });
    const first: Answered = [['/metadata/labels/written', 'x'], comparable(written)];
    status = [
      first,
      ...(await inTurn(then.violations, (each) =>
        put(`${object}/status`, then.stored, versionOf(written.code < 300 ? written : get), each),
      )),
    ];
  }
  await ask({ method: 'DELETE', path: object, dryRun: false });
  return {
    path,
    body,
    plain,
    create,
    ...(asked && { stored: asked.stored, update }),
    ...(then && { withStatus: then.stored, status }),
  };
}

/** A few at a time. */
async function inTurn<T, R>(list: readonly T[], each: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < list.length; at += 8) results.push(...(await Promise.all(list.slice(at, at + 8).map(each))));
  return results;
}
