import {
  type Client,
  type Clock,
  type Controller,
  DaemonSet,
  type EventRecorder,
  type Informer,
  type InformerEvent,
  type Informers,
  keyOf,
  labelSelectorMatches,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
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
  PodControl,
  slowStart,
  untilAvailable,
} from '../pod-control/index.ts';
import { RevisionHistory } from '../revision-history/index.ts';
import { daemonPod, hashLabel, placementOf } from './daemon-pod.ts';
import { FailureBackoff } from './failure-backoff.ts';
import { type Changes, manage, rollOut, type View, viewOf } from './manage.ts';
import { daemonSetStatus } from './status.ts';

/** No more pods than this are created or deleted in one reconcile. */
const burst = 250;
const defaultHistory = 10;

/** Keeps one pod on every node that a DaemonSet is for. */
export class DaemonSetController implements Controller {
  readonly name = 'daemonset';
  readonly concurrency = 2;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #recorder: EventRecorder;
  readonly #sets: Informer<DaemonSet>;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #history: RevisionHistory;
  readonly #expectations: Expectations;
  readonly #control: PodControl;
  readonly #failures: FailureBackoff;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder.as('daemonset-controller');
    this.#sets = informers.for(DaemonSet);
    this.#nodes = informers.for(Node);
    this.#pods = informers.for(Pod);
    addOwnerIndexes(this.#pods);
    this.#history = new RevisionHistory({ type: DaemonSet, hashLabel }, client, informers);
    this.#expectations = new Expectations(clock, this.#pods.events$);
    this.#control = new PodControl(client, this.#recorder, this.#expectations, DaemonSet);
    this.#failures = new FailureBackoff();
    this.#sets.events$.subscribe(({ type, object }) => {
      if (type === 'deleted') this.#failures.forget(object.metadata.uid ?? '');
    });
    this.watches = [
      watch(this.#sets).self(),
      watch(this.#pods).owner(DaemonSet),
      watch(this.#pods)
        .filter(mayBecomeOwned)
        .map((pod) => this.#couldAdopt(pod)),
      watch(this.#nodes)
        .filter(concerns)
        .map((node, event) => this.#concerned(node, event)),
      watch(this.#history.revisions).map(() => []),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const set = this.#sets.lister.get(key);
    // The old API made sets that select everything; there is nothing right to do for them.
    if (set === undefined || Object.keys(set.spec.selector ?? {}).length === 0) return undefined;
    const { uid = '' } = set.metadata;
    const wait = this.#expectations.remaining(uid);
    const known = await this.#history.of(set, set.spec.selector, signal);
    const pods = await this.#claimPods(set, signal);
    const collisions = set.status?.collisionCount;
    const latest = await this.#history.latest(set, set.spec.template, known, collisions ?? 0, signal);
    const hash = latest.revision.metadata.labels?.[hashLabel] ?? '';
    const now = this.#clock.now();
    const view = viewOf(set, this.#nodes.lister.list(), pods, hash, now);
    let error: unknown;
    const waits: number[] = wait === undefined ? [] : [wait];
    if (wait === undefined && set.metadata.deletionTimestamp === undefined) {
      const outcome = await this.#change(view, signal);
      error = outcome.error;
      if (outcome.retryMs !== undefined) waits.push(outcome.retryMs);
    }
    const collisionCount = latest.collisionCount > 0 ? latest.collisionCount : collisions;
    await this.#writeStatus(set, daemonSetStatus(view, collisionCount), signal);
    if (error !== undefined) throw error;
    const live = new Set(
      known
        .filter(({ metadata }) => pods.some((pod) => pod.metadata.labels?.[hashLabel] === metadata.labels?.[hashLabel]))
        .map(({ metadata }) => metadata.name),
    );
    live.add(latest.revision.metadata.name);
    await this.#history.truncate(known, live, set.spec.revisionHistoryLimit ?? defaultHistory, signal);
    const minReady = set.spec.minReadySeconds ?? 0;
    for (const pod of pods) {
      const ms = untilAvailable(pod, minReady, now);
      if (ms !== undefined && ms > 0) waits.push(ms);
    }
    return waits.length === 0 ? undefined : { requeueAfter: Math.min(...waits) };
  }

  async #change(view: View, signal: AbortSignal): Promise<{ readonly error: unknown; readonly retryMs?: number }> {
    const { set, now } = view;
    const { uid = '' } = set.metadata;
    const managed = manage(view);
    // What failed is deleted less and less often: a node that refuses a pod refuses the next one, too.
    const held = new Set<Pod>();
    let retryMs: number | undefined;
    for (const pod of managed.ended) {
      const wait = this.#failures.next(uid, pod, now);
      if (wait > 0) {
        held.add(pod);
        retryMs = Math.min(retryMs ?? wait, wait);
      } else this.#tellEnd(set, pod);
    }
    const changes = { ...managed, remove: managed.remove.filter((pod) => !held.has(pod)) };
    const error = await this.#apply(view, changes, signal);
    if (error !== undefined) return { error };
    const settled = changes.create.length + changes.remove.length === 0;
    const rolled = settled ? await this.#apply(view, rollOut(view), signal) : undefined;
    return { error: rolled, ...(retryMs !== undefined && { retryMs }) };
  }

  async #apply({ set, hash }: View, { create, remove }: Changes, signal: AbortSignal): Promise<unknown> {
    const made = await slowStart(Math.min(create.length, burst), 1, async (index) => {
      await this.#control.create(set, daemonPod(set, create[index] ?? '', hash), signal);
    });
    const gone = await Promise.allSettled(remove.slice(0, burst).map((pod) => this.#control.delete(set, pod, signal)));
    return made.error ?? gone.find((outcome) => outcome.status === 'rejected')?.reason;
  }

  #tellEnd(set: DaemonSet, pod: Pod): void {
    const { namespace, name } = pod.metadata;
    const where = `daemon pod ${namespace}/${name} on node ${pod.spec.nodeName ?? ''}`;
    if (pod.status?.phase === 'Failed') {
      const text = `Found failed ${where}, will try to kill it`;
      this.#recorder.event(DaemonSet, set, 'Warning', 'FailedDaemonPod', text);
    } else {
      const text = `Found succeeded ${where}, will try to delete it`;
      this.#recorder.event(DaemonSet, set, 'Normal', 'SucceededDaemonPod', text);
    }
  }

  async #writeStatus(set: DaemonSet, status: DaemonSet['status'], signal: AbortSignal): Promise<void> {
    if (semanticEqual(set.status, status)) return;
    await this.#client.updateStatus(DaemonSet, { ...set, status }, { signal });
  }

  async #claimPods(set: DaemonSet, signal: AbortSignal): Promise<readonly Pod[]> {
    const { uid = '', namespace = '' } = set.metadata;
    const selector = set.spec.selector ?? {};
    return claim({
      client: this.#client,
      ownerType: DaemonSet,
      owner: set,
      type: Pod,
      selector,
      candidates: [...controlledBy(this.#pods.lister, uid), ...orphansFor(this.#pods.lister, namespace, selector)],
      signal,
    });
  }

  #couldAdopt(pod: Pod): readonly ObjectKey[] {
    return this.#sets.lister
      .inNamespace(pod.metadata.namespace ?? '')
      .filter((set) => labelSelectorMatches(set.spec.selector, pod.metadata.labels))
      .map(keyOf);
  }

  #concerned(node: Node, event: InformerEvent<Node>): readonly ObjectKey[] {
    const sets = this.#sets.lister.list();
    if (event.type !== 'updated') return sets.map(keyOf);
    return sets
      .filter((set) => {
        const placement = placementOf(set);
        return !semanticEqual(placement(node), placement(event.previous));
      })
      .map(keyOf);
  }
}

/** Heartbeats change nothing; labels and taints may. */
function concerns(node: Node, event: InformerEvent<Node>): boolean {
  if (event.type !== 'updated') return true;
  const { previous } = event;
  return (
    !semanticEqual(node.metadata.labels, previous.metadata.labels) ||
    !semanticEqual(node.spec?.taints, previous.spec?.taints)
  );
}
