import type { ApiRequest } from '@keelson/core';
import {
  ConnectionError,
  isJsonObject,
  type KubernetesObject,
  keyOf,
  StatusError,
  type WatchEvent,
} from '@keelson/core';
import { groupBy } from '@keelson/core/machinery';
import type { RecordedFailure } from '@keelson/core/recording';
import type { Fault } from '../plan.ts';
import { requestText } from '../request-text.ts';
import { endsInOrder, type Fate, type Refusal } from '../simulated-process.ts';
import type { World } from '../simulated-world.ts';
import { objectId, targetOf } from './collected-lines.ts';
import { sameWrite } from './compare-bodies.ts';
import { type ForeignChange, type History, kindText, type RecordedCall, type RecordedWatch } from './history.ts';
import { isLate, type RecordedFault, type ReplayPlan } from './replay-plan.ts';

/** A request is taken to be one of then if that was sent so much before or after. */
const earlierMs = 10_000;
const laterMs = 5_000;

/** Lets to the operator's requests happen what happened then, when it happened. */
export class RecordedFate implements Fate {
  readonly #world: World;
  readonly #onWritten: () => Promise<void>;
  readonly #calls: ReadonlyMap<string, RecordedCall[]>;
  readonly #watches: ReadonlyMap<string, RecordedWatch[]>;
  readonly #faulty: ReadonlySet<RecordedCall | RecordedWatch>;
  readonly #late: ReadonlySet<unknown>;
  /** The call of then that a request is. */
  readonly #matched = new WeakMap<ApiRequest, RecordedCall>();
  /** When all that is there at the beginning of a watch has arrived. */
  readonly #listed = new WeakMap<ApiRequest, number>();
  /** Calls that are on their way, by what they are about. */
  readonly #underWay = new Map<string, RecordedCall>();
  /** When events arrive, by the resourceVersion that they tell of. */
  readonly #arrivals = new Map<string, number>();

  /** @param onWritten called after each write that took effect */
  constructor(world: World, history: History, plan: ReplayPlan, onWritten: () => Promise<void>) {
    this.#world = world;
    this.#onWritten = onWritten;
    this.#calls = groupBy(history.calls, ({ text }) => text);
    this.#watches = groupBy(history.watches, ({ kind }) => kindText(kind));
    this.#faulty = new Set(
      plan.faults.flatMap((each) =>
        each.what === 'answer' ? each.call : each.what === 'watch-ended' ? each.watch : [],
      ),
    );
    this.#late = new Set(plan.faults.flatMap((each) => lateOf(each)));
  }

  /** The operator sees this version when it saw what it comes from. */
  arrives(resourceVersion: string, of: RecordedCall | ForeignChange): void {
    const at = this.#toldAt(of);
    if (at !== undefined) this.#arrivals.set(resourceVersion, at);
  }

  async prepare(request: ApiRequest): Promise<ApiRequest> {
    const call = this.#take(request);
    if (!call) return request;
    await this.#until(call.effectAt);
    const prepared = named(request, call);
    this.#matched.set(prepared, call);
    this.#underWay.set(objectIn(call), call);
    return prepared;
  }

  next(decision: 'read' | 'write' | 'watch', request: ApiRequest): Fault | Refusal | undefined {
    if (decision === 'watch') return undefined;
    const call = this.#matched.get(request);
    const error = call?.request.error;
    if (!call || !error || !this.#faulty.has(call)) return undefined;
    const fault = { on: 'request' as const, at: 0, ms: 0, message: error.message };
    if (error.code === undefined) return { ...fault, kind: call.effective ? 'lost-answer' : 'lost-request' };
    const { code, reason, message } = error;
    const depends = code === 400 || code === 403 || code === 422;
    // Another body might have been accepted.
    if (depends && !sameWrite(call.request.body, request.body)) return undefined;
    return { kind: 'refused', status: { code, ...(reason !== undefined && { reason }), message } };
  }

  async deliver(request: ApiRequest, events: readonly WatchEvent<KubernetesObject>[]): Promise<void> {
    let arrival = this.#listed.get(request) ?? 0;
    for (const { object } of events) {
      arrival = Math.max(arrival, this.#arrivalOf(request, object));
    }
    await this.#until(arrival);
  }

  answered(request: ApiRequest): void {
    const call = this.#matched.get(request);
    if (call && this.#underWay.get(objectIn(call)) === call) this.#underWay.delete(objectIn(call));
  }

  async watching(request: ApiRequest): Promise<AbortSignal | undefined> {
    const { clock } = this.#world;
    const now = clock.now();
    const watches = this.#watches.get(kindText(request)) ?? [];
    const at = watches.findIndex((each) => each.at >= now - earlierMs && each.at <= now + laterMs);
    const [watch] = at < 0 ? [] : watches.splice(at, 1);
    if (!watch) return undefined;
    if (watch.listedAt !== undefined) this.#listed.set(request, watch.listedAt);
    await this.#until(watch.at);
    if (watch.endedAt === undefined || !this.#faulty.has(watch)) return undefined;
    const cut = new AbortController();
    const reason = watch.error ? errorOf(watch.error) : endsInOrder;
    clock.after(Math.max(0, watch.endedAt - clock.now()), () => cut.abort(reason));
    return cut.signal;
  }

  /** What is written just now may be told before its answer is there. */
  #arrivalOf(request: ApiRequest, object: KubernetesObject): number {
    const known = this.#arrivals.get(object.metadata.resourceVersion ?? '');
    if (known !== undefined) return known;
    const call = this.#underWay.get(objectId(request, keyOf(object)));
    return (call && this.#toldAt(call)) ?? 0;
  }

  #toldAt(of: RecordedCall | ForeignChange): number | undefined {
    return isLate(of) && !this.#late.has(of) ? undefined : of.toldAt;
  }

  async #until(at: number): Promise<void> {
    const { clock } = this.#world;
    if (at > clock.now()) await clock.sleep(at - clock.now());
  }

  note(who: string, text: string): void {
    this.#world.note(who, text);
  }

  async written(request: ApiRequest, resourceVersion: string | undefined): Promise<void> {
    const call = this.#matched.get(request);
    if (call && resourceVersion !== undefined) this.arrives(resourceVersion, call);
    await this.#world.written();
    await this.#onWritten();
  }

  #take(request: ApiRequest): RecordedCall | undefined {
    const now = this.#world.clock.now();
    const calls = this.#calls.get(requestText(request)) ?? [];
    const at = calls.findIndex((each) => each.request.at >= now - earlierMs && each.request.at <= now + laterMs);
    return at < 0 ? undefined : calls.splice(at, 1)[0];
  }
}

const objectIn = ({ request }: RecordedCall) => objectId(request, targetOf(request) ?? '');

/** What the server named then gets the same name. */
function named(request: ApiRequest, { request: { made } }: RecordedCall): ApiRequest {
  const { body } = request;
  const metadata = isJsonObject(body) ? body['metadata'] : undefined;
  if (!made || !isJsonObject(body) || !isJsonObject(metadata)) return { ...request };
  if (metadata['name'] !== undefined || metadata['generateName'] === undefined) return { ...request };
  return { ...request, body: { ...body, metadata: { ...metadata, name: made.name } } };
}

function errorOf({ code, reason, message }: RecordedFailure): Error {
  if (code === undefined) return new ConnectionError(message);
  return new StatusError({ code, ...(reason !== undefined && { reason }), message });
}

function lateOf(fault: RecordedFault): readonly unknown[] {
  if (fault.what === 'late-change') return [fault.change];
  return fault.what === 'late-write' ? [fault.call] : [];
}
