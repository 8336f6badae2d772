import type * as cri from '@keelson/core/cri';
import { GrpcError, grpcCode, type RuntimeService } from '@keelson/core/cri';
import { terminationMessage } from '../lifecycle/termination-message.ts';
import type { VolumePaths } from '../volumes/volume-paths.ts';
import {
  emptyRuntimePod,
  newestFirst,
  type RuntimeContainer,
  type RuntimePod,
  type RuntimeSandbox,
  runtimeContainer,
  runtimeLabels,
  runtimeSandbox,
} from './runtime-pod.ts';

/** A pod that the runtime knows, with a text that changes whenever something of it does. */
export interface RuntimePodSummary {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly fingerprint: string;
}

const keptExits = 5000;

/** Reads pods out of the runtime. Ends of containers never change, and are read once. */
export class RuntimeReader {
  readonly #runtime: RuntimeService;
  readonly #paths: VolumePaths;
  readonly #exits = new Map<string, RuntimeContainer>();

  constructor(runtime: RuntimeService, paths: VolumePaths) {
    this.#runtime = runtime;
    this.#paths = paths;
  }

  /** Every pod of the runtime, by UID, in two calls. */
  async summaries(signal: AbortSignal): Promise<ReadonlyMap<string, RuntimePodSummary>> {
    const [{ items = [] }, { containers = [] }] = await Promise.all([
      this.#runtime.listPodSandbox({}, signal),
      this.#runtime.listContainers({}, signal),
    ]);
    const parts = new Map<string, { name: string; namespace: string; parts: string[] }>();
    const add = (labels: Readonly<Record<string, string>> | undefined, part: string) => {
      const uid = labels?.[runtimeLabels.podUid];
      if (uid === undefined) return;
      const known = parts.get(uid) ?? {
        name: labels?.[runtimeLabels.podName] ?? '',
        namespace: labels?.[runtimeLabels.podNamespace] ?? '',
        parts: [],
      };
      known.parts.push(part);
      parts.set(uid, known);
    };
    for (const each of items) add(each.labels, `s:${each.id}:${each.state ?? 'SANDBOX_READY'}`);
    for (const each of containers) add(each.labels, `c:${each.id}:${each.state ?? 'CONTAINER_CREATED'}`);
    return new Map(
      [...parts].map(([uid, { name, namespace, parts: all }]) => [
        uid,
        { uid, name, namespace, fingerprint: all.sort().join(' ') },
      ]),
    );
  }

  /** One pod as the runtime has it right now. */
  async read(pod: { uid: string; name: string; namespace: string }, signal: AbortSignal): Promise<RuntimePod> {
    const labelSelector = { [runtimeLabels.podUid]: pod.uid };
    const [{ items = [] }, { containers = [] }] = await Promise.all([
      this.#runtime.listPodSandbox({ filter: { labelSelector } }, signal),
      this.#runtime.listContainers({ filter: { labelSelector } }, signal),
    ]);
    if (items.length === 0 && containers.length === 0) return emptyRuntimePod(pod);
    const sandboxes = await Promise.all(items.map((each) => this.#sandbox(each, signal)));
    const runs = await Promise.all(containers.map((each) => this.#container(pod.uid, each, signal)));
    return {
      ...pod,
      sandboxes: newestFirst(sandboxes.filter((each) => each !== undefined)),
      containers: newestFirst(runs.filter((each) => each !== undefined)),
    };
  }

  async #sandbox(item: cri.PodSandbox, signal: AbortSignal): Promise<RuntimeSandbox | undefined> {
    const ready = (item.state ?? 'SANDBOX_READY') === 'SANDBOX_READY';
    if (!ready) return runtimeSandbox(item);
    return orGone(async () => {
      const { status } = await this.#runtime.podSandboxStatus({ podSandboxId: item.id }, signal);
      return status && runtimeSandbox(status);
    });
  }

  async #container(uid: string, item: cri.Container, signal: AbortSignal): Promise<RuntimeContainer | undefined> {
    const id = item.id ?? '';
    const known = this.#exits.get(id);
    if (known !== undefined) return known;
    return orGone(async () => {
      const { status } = await this.#runtime.containerStatus({ containerId: id }, signal);
      if (status === undefined) return undefined;
      const container = runtimeContainer(status, item.podSandboxId);
      if (container.state !== 'exited') return container;
      const path = `${this.#paths.container(uid, container.name)}/${container.restartCount}`;
      const ended = { ...container, message: await terminationMessage(container, path) };
      this.#exits.set(id, ended);
      if (this.#exits.size > keptExits) this.#exits.delete([...this.#exits.keys()][0] ?? '');
      return ended;
    });
  }
}

/** Something may be removed between the list and the look. */
async function orGone<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof GrpcError && error.code === grpcCode.notFound) return undefined;
    throw error;
  }
}
