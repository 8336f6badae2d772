import type { Pod } from '@keelson/core';
import type {
  ClusterEvent,
  CycleState,
  EventRegistration,
  FilterOutcome,
  NodeInfo,
  PodInfo,
  QueuedPod,
  SchedulerPlugin,
  SchedulingSnapshot,
  SchedulingStatus,
} from '@keelson/core/scheduling';
import { withPods } from '../cache/scheduler-cache.ts';
import type { Diagnosis } from './diagnosis.ts';
import { failed, type Refusal, unresolvable } from './status.ts';

export interface FrameworkOptions {
  readonly disabled?: readonly string[];
  /** Weights of scores by plugin name, in place of the plugins' own. */
  readonly weights?: Readonly<Record<string, number>>;
}

type With<K extends keyof SchedulerPlugin> = SchedulerPlugin & Required<Pick<SchedulerPlugin, K>>;

function having<K extends keyof SchedulerPlugin>(plugins: readonly SchedulerPlugin[], moment: K): readonly With<K>[] {
  return plugins.filter((plugin): plugin is With<K> => plugin[moment] !== undefined);
}

/** Runs the plugins' moments in their order; the decision itself is `schedulePod`. */
export class SchedulingFramework {
  readonly plugins: readonly SchedulerPlugin[];
  readonly preFilters: readonly With<'preFilter'>[];
  readonly filters: readonly With<'filter'>[];
  readonly postFilters: readonly With<'postFilter'>[];
  readonly preScores: readonly With<'preScore'>[];
  readonly scores: readonly With<'score'>[];
  private readonly preEnqueues: readonly With<'preEnqueue'>[];
  private readonly sort: With<'queueSort'> | undefined;
  private readonly weights: ReadonlyMap<string, number>;
  private readonly hints = new Map<string, readonly EventRegistration[] | undefined>();

  constructor(plugins: readonly SchedulerPlugin[], options: FrameworkOptions = {}) {
    const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    for (const name of options.disabled ?? []) byName.delete(name);
    this.plugins = [...byName.values()];
    this.preFilters = having(this.plugins, 'preFilter');
    this.filters = having(this.plugins, 'filter');
    this.postFilters = having(this.plugins, 'postFilter');
    this.preScores = having(this.plugins, 'preScore');
    this.weights = new Map(this.plugins.map(({ name, weight = 1 }) => [name, options.weights?.[name] ?? weight]));
    this.scores = having(this.plugins, 'score').filter((each) => this.weights.get(each.name) !== 0);
    this.preEnqueues = having(this.plugins, 'preEnqueue');
    this.sort = having(this.plugins, 'queueSort').at(-1);
    for (const plugin of this.plugins) this.hints.set(plugin.name, plugin.eventsToRegister?.());
  }

  weight(plugin: string): number {
    return this.weights.get(plugin) ?? 1;
  }

  compare(a: QueuedPod, b: QueuedPod): number {
    return this.sort ? this.sort.queueSort(a, b) : b.priority - a.priority || a.queuedAt - b.queuedAt;
  }

  /** The plugin that holds the pod out of the queue, if any. */
  gate(pod: Pod): string | undefined {
    return this.preEnqueues.find((plugin) => plugin.preEnqueue(pod) !== undefined)?.name;
  }

  /** Whether a pod that these plugins rejected is worth another try after the event. */
  helps(pod: Pod, rejectedBy: ReadonlySet<string>, event: ClusterEvent): boolean {
    for (const name of rejectedBy) {
      const registrations = this.hints.get(name);
      if (registrations === undefined) return true;
      for (const { on, helps } of registrations) {
        if (on.includes(event.kind) && (helps === undefined || helps(pod, event))) return true;
      }
    }
    return false;
  }

  /** Nodes that may be filtered, or the refusal of the pod as a whole. */
  preFilter(state: CycleState, snapshot: SchedulingSnapshot): PreFilterResult {
    const { pod } = state.podInfo;
    let names: ReadonlySet<string> | undefined;
    const restrictedBy: string[] = [];
    for (const plugin of this.preFilters) {
      const answer = plugin.preFilter(pod, state, snapshot);
      if (answer === undefined) continue;
      if (typeof answer === 'object' && answer.code === 'skip') {
        state.skippedFilters.add(plugin.name);
      } else if (typeof answer === 'object' && answer.code === 'nodes') {
        const before = names;
        names = before ? new Set([...answer.names].filter((name) => before.has(name))) : answer.names;
        restrictedBy.push(plugin.name);
      } else {
        return { refusal: answer, plugin: plugin.name };
      }
    }
    return { names, restrictedBy };
  }

  /** The filters that have something to say about this pod: found once, then run on every node. */
  activeFilters(state: CycleState): readonly With<'filter'>[] {
    return state.skippedFilters.size === 0
      ? this.filters
      : this.filters.filter((plugin) => !state.skippedFilters.has(plugin.name));
  }

  /** For `postFilter`: filters again on nodes as they might be. */
  outcome(diagnosis: Diagnosis, snapshot: SchedulingSnapshot): FilterOutcome {
    return {
      snapshot,
      statusByNode: diagnosis.statusByNode,
      check: (node, state) => this.check(this.activeFilters(state), node, state),
      simulate: (node, state, { remove = [], add = [] }) => this.simulate(node, state, remove, add),
    };
  }

  check(filters: readonly With<'filter'>[], node: NodeInfo, state: CycleState): SchedulingStatus {
    const { pod } = state.podInfo;
    for (const plugin of filters) {
      const status = plugin.filter(pod, node, state);
      if (status !== undefined) return status;
    }
    return undefined;
  }

  simulate(node: NodeInfo, state: CycleState, remove: readonly PodInfo[], add: readonly PodInfo[]) {
    const next = { node: withPods(node, remove, add), state: state.clone() };
    const { pod } = state.podInfo;
    for (const plugin of this.plugins) {
      if (state.skippedFilters.has(plugin.name)) continue;
      for (const each of remove) plugin.removePod?.(pod, each, next.node, next.state);
      for (const each of add) plugin.addPod?.(pod, each, next.node, next.state);
    }
    return next;
  }

  /** Reserves with every plugin; on a refusal everything is taken back. */
  reserve(state: CycleState, nodeName: string): { readonly status: SchedulingStatus; readonly plugin: string } {
    for (const plugin of this.plugins) {
      const status = plugin.reserve?.(state.podInfo.pod, nodeName, state);
      if (status !== undefined) {
        this.unreserve(state, nodeName);
        return { status, plugin: plugin.name };
      }
    }
    return { status: undefined, plugin: '' };
  }

  unreserve(state: CycleState, nodeName: string): void {
    for (const plugin of [...this.plugins].reverse()) plugin.unreserve?.(state.podInfo.pod, nodeName, state);
  }

  /** Permit, preBind and bind; what refused, and which plugin's it was. */
  async bind(state: CycleState, nodeName: string, signal: AbortSignal): Promise<BindResult> {
    const { pod } = state.podInfo;
    let current = '';
    try {
      for (const plugin of this.plugins) {
        if (!plugin.permit) continue;
        current = plugin.name;
        const answer = plugin.permit(pod, nodeName, state);
        const status =
          typeof answer === 'object' && answer.code === 'wait' ? await settledBy(answer.decision, signal) : answer;
        if (status !== undefined) return { status, plugin: plugin.name };
      }
      for (const plugin of this.plugins) {
        if (!plugin.preBind) continue;
        current = plugin.name;
        const status = await plugin.preBind(pod, nodeName, state, signal);
        if (status !== undefined) return { status, plugin: plugin.name };
      }
      for (const plugin of this.plugins) {
        if (!plugin.bind) continue;
        current = plugin.name;
        const status = await plugin.bind(pod, nodeName, state, signal);
        if (typeof status === 'object' && status.code === 'skip') continue;
        if (status !== undefined) return { status, plugin: plugin.name };
        for (const each of this.plugins) each.postBind?.(pod, nodeName, state);
        return { status: undefined, plugin: '' };
      }
      return { status: failed(new Error('no plugin binds pods')), plugin: '' };
    } catch (error) {
      return { status: failed(error), plugin: current };
    }
  }

  async postFilter(state: CycleState, diagnosis: Diagnosis, snapshot: SchedulingSnapshot, signal: AbortSignal) {
    const reasons: string[] = [];
    const outcome = this.outcome(diagnosis, snapshot);
    for (const plugin of this.postFilters) {
      const result = await plugin.postFilter(state.podInfo.pod, state, outcome, signal);
      if (result.nominatedNode !== undefined) return { nominatedNode: result.nominatedNode, reasons: [] };
      reasons.push(...result.reasons);
      if (result.stop) break;
    }
    return { nominatedNode: undefined, reasons };
  }
}

export type PreFilterResult =
  | { readonly refusal: Refusal; readonly plugin: string }
  | {
      readonly names: ReadonlySet<string> | undefined;
      readonly restrictedBy: readonly string[];
      readonly refusal?: undefined;
    };

export interface BindResult {
  readonly status: SchedulingStatus;
  readonly plugin: string;
}

/** The refusal of nodes that `preFilter` has ruled out. */
export function ruledOut(names: ReadonlySet<string>, restrictedBy: readonly string[]): Refusal {
  const plugins = `[${[...restrictedBy].sort().join(' ')}]`;
  if (names.size > 0) return unresolvable(`node(s) didn't satisfy plugin(s) ${plugins}`);
  return unresolvable(
    restrictedBy.length === 1
      ? `node(s) didn't satisfy plugin ${restrictedBy[0]}`
      : `node(s) didn't satisfy plugin(s) ${plugins} simultaneously`,
  );
}

function settledBy(decision: Promise<SchedulingStatus>, signal: AbortSignal): Promise<SchedulingStatus> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    decision.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
