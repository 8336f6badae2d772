import {
  type Client,
  type Clock,
  type Controller,
  type EventRecorder,
  type Informer,
  type Informers,
  keyOf,
  labelSelectorMatches,
  type ObjectKey,
  Pod,
  type PodTemplateSpec,
  type ReconcileContext,
  type ReconcileResult,
  StatefulSet,
  semanticEqual,
  watch,
} from '@keelson/core';
import {
  addOwnerIndexes,
  claim,
  controlledBy,
  Expectations,
  mayBecomeOwned,
  orphansFor,
  untilAvailable,
} from '../pod-control/index.ts';
import { RevisionHistory, templateOf } from '../revision-history/index.ts';
import { ordinalOf, revisionOf } from './identity.ts';
import { StatefulPods } from './stateful-pods.ts';
import { statefulSetStatus } from './status.ts';
import { nextSteps, type Revisions, type Step } from './steps.ts';

const defaultHistory = 10;

/** Keeps pods with names of their own, and the claims that go with the names, in order. */
export class StatefulSetController implements Controller {
  readonly name = 'statefulset';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #history: RevisionHistory;
  readonly #expectations: Expectations;
  readonly #changes: StatefulPods;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#sets = informers.for(StatefulSet);
    this.#pods = informers.for(Pod);
    addOwnerIndexes(this.#pods);
    const kind = { type: StatefulSet, hashLabel: 'controller.kubernetes.io/hash' };
    this.#history = new RevisionHistory(kind, client, informers);
    this.#expectations = new Expectations(clock, this.#pods.events$);
    this.#changes = new StatefulPods(client, informers, recorder.as('statefulset-controller'), this.#expectations);
    this.watches = [
      watch(this.#sets).self(),
      watch(this.#pods).owner(StatefulSet),
      watch(this.#pods)
        .filter(mayBecomeOwned)
        .map((pod) => this.#couldAdopt(pod)),
      watch(this.#history.revisions).map(() => []),
      watch(this.#changes.claims).map(() => []),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const set = this.#sets.lister.get(key);
    if (set === undefined) return undefined;
    const wait = this.#expectations.remaining(set.metadata.uid ?? '');
    if (wait !== undefined) return { requeueAfter: wait };
    const known = await this.#history.of(set, set.spec.selector, signal);
    const pods = await this.#claimPods(set, signal);
    const latest = await this.#history.latest(set, set.spec.template, known, set.status?.collisionCount ?? 0, signal);
    const update = latest.revision;
    const current = known.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const revisions: Revisions = { current: current.metadata.name, update: update.metadata.name };
    const templates = new Map<string, PodTemplateSpec>([
      [revisions.current, templateOf(current) ?? set.spec.template],
      [revisions.update, set.spec.template],
    ]);
    const leaving = set.metadata.deletionTimestamp !== undefined;
    const now = this.#clock.now();
    const steps = leaving ? [] : nextSteps(set, pods, revisions, now);
    const { done, error } = await this.#changes.take(set, steps, templates, signal);
    const held = leaving ? undefined : await this.#changes.keepClaims(set, pods, signal);
    await this.#writeStatus(set, statefulSetStatus(set, pods, done, revisions, latest.collisionCount, now), signal);
    if (error !== undefined) throw error;
    if (held !== undefined) throw held;
    const live = new Set([revisions.current, revisions.update, ...pods.map(revisionOf)]);
    await this.#history.truncate(known, live, set.spec.revisionHistoryLimit ?? defaultHistory, signal);
    return this.#nextLook(set, pods, steps, now);
  }

  async #writeStatus(set: StatefulSet, status: StatefulSet['status'], signal: AbortSignal): Promise<void> {
    if (semanticEqual(set.status, status)) return;
    await this.#client.updateStatus(StatefulSet, { ...set, status }, { signal });
  }

  /** `minReadySeconds` run out without an event. A create that has to wait for an old claim's end is tried again. */
  #nextLook(set: StatefulSet, pods: readonly Pod[], steps: readonly Step[], now: number): ReconcileResult {
    const minReady = set.spec.minReadySeconds ?? 0;
    const waits = pods.map((pod) => untilAvailable(pod, minReady, now)).filter((ms) => ms !== undefined && ms > 0);
    if (this.#changes.waits(set, steps)) waits.push(1_000);
    return waits.length === 0 ? undefined : { requeueAfter: Math.min(...waits.map(Number)) };
  }

  async #claimPods(set: StatefulSet, signal: AbortSignal): Promise<readonly Pod[]> {
    const { uid = '', namespace = '' } = set.metadata;
    const { selector } = set.spec;
    const owned = await claim({
      client: this.#client,
      ownerType: StatefulSet,
      owner: set,
      type: Pod,
      selector,
      candidates: [
        ...controlledBy(this.#pods.lister, uid),
        ...orphansFor(this.#pods.lister, namespace, selector).filter(
          ({ metadata }) => ordinalOf(set, metadata.name) !== undefined,
        ),
      ],
      signal,
    });
    return owned.filter(({ metadata }) => ordinalOf(set, metadata.name) !== undefined);
  }

  #couldAdopt(pod: Pod): readonly ObjectKey[] {
    return this.#sets.lister
      .inNamespace(pod.metadata.namespace ?? '')
      .filter(
        (set) =>
          ordinalOf(set, pod.metadata.name) !== undefined &&
          labelSelectorMatches(set.spec.selector, pod.metadata.labels),
      )
      .map(keyOf);
  }
}
