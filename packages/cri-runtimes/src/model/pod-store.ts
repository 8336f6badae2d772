import {
  type ContainerEventResponse,
  type ContainerEventType,
  GrpcError,
  grpcCode,
  type RuntimeService,
} from '@keelson/core/cri';
import type { Clock } from '@keelson/core/plugin';
import { ContainerEvents } from './container-events.ts';
import {
  type ContainerRecord,
  containerKey,
  containerMatches,
  containerStatus,
  listedContainer,
  listedSandbox,
  type SandboxRecord,
  sandboxKey,
  sandboxMatches,
  sandboxStatus,
} from './records.ts';

/**
 * The sandboxes and containers of one embedded runtime, in memory, and the only writer of its events. Records are
 * replaced, never changed.
 */
export class PodStore {
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #bySandbox = new Map<string, string[]>();
  readonly #names = new Map<string, string>();
  readonly events = new ContainerEvents();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws GrpcError `notFound`. */
  sandbox(id: string | undefined): SandboxRecord {
    const record = this.#sandboxes.get(id ?? '');
    if (record === undefined) throw new GrpcError(grpcCode.notFound, `pod sandbox "${id ?? ''}" not found`);
    return record;
  }

  /** @throws GrpcError `notFound`. */
  container(id: string | undefined): ContainerRecord {
    const record = this.#containers.get(id ?? '');
    if (record === undefined) throw new GrpcError(grpcCode.notFound, `container "${id ?? ''}" not found`);
    return record;
  }

  findSandbox(id: string | undefined): SandboxRecord | undefined {
    return this.#sandboxes.get(id ?? '');
  }

  findContainer(id: string | undefined): ContainerRecord | undefined {
    return this.#containers.get(id ?? '');
  }

  sandboxes(): IterableIterator<SandboxRecord> {
    return this.#sandboxes.values();
  }

  containers(): IterableIterator<ContainerRecord> {
    return this.#containers.values();
  }

  containersOf(sandboxId: string): readonly ContainerRecord[] {
    const records: ContainerRecord[] = [];
    for (const id of this.#bySandbox.get(sandboxId) ?? []) {
      const record = this.#containers.get(id);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** Keeps a name for the sandbox or container `id`. @throws GrpcError `alreadyExists` where another holds it. */
  reserve(name: string, id: string): void {
    const holder = this.#names.get(name);
    if (holder !== undefined && holder !== id) {
      throw new GrpcError(grpcCode.alreadyExists, `name "${name}" is reserved for "${holder}"`);
    }
    this.#names.set(name, id);
  }

  unreserve(name: string): void {
    this.#names.delete(name);
  }

  addSandbox(record: SandboxRecord): void {
    this.reserve(sandboxKey(record.config), record.id);
    this.#sandboxes.set(record.id, record);
    this.#emit(record.id, record.id, 'CONTAINER_CREATED_EVENT');
    if (record.state === 'SANDBOX_READY') this.#emit(record.id, record.id, 'CONTAINER_STARTED_EVENT');
  }

  updateSandbox(record: SandboxRecord): void {
    const before = this.#sandboxes.get(record.id);
    if (before === undefined) return;
    this.#sandboxes.set(record.id, record);
    if (before.state !== record.state) this.#emit(record.id, record.id, 'CONTAINER_STOPPED_EVENT');
  }

  removeSandbox(id: string): void {
    const record = this.#sandboxes.get(id);
    if (record === undefined) return;
    this.#sandboxes.delete(id);
    this.#bySandbox.delete(id);
    this.unreserve(sandboxKey(record.config));
    if (this.events.observed) {
      this.events.emit({
        containerId: id,
        containerEventType: 'CONTAINER_DELETED_EVENT',
        createdAt: this.#clock.now() * 1e6,
        podSandboxStatus: { ...sandboxStatus(record), state: 'SANDBOX_NOTREADY' },
        containersStatuses: [],
      });
    }
  }

  addContainer(record: ContainerRecord): void {
    this.reserve(containerKey(record.sandboxId, record.config), record.id);
    this.#containers.set(record.id, record);
    const siblings = this.#bySandbox.get(record.sandboxId);
    if (siblings === undefined) this.#bySandbox.set(record.sandboxId, [record.id]);
    else siblings.push(record.id);
    this.#emit(record.sandboxId, record.id, 'CONTAINER_CREATED_EVENT');
  }

  /** Ignores a container that was removed meanwhile. */
  updateContainer(record: ContainerRecord): void {
    const before = this.#containers.get(record.id);
    if (before === undefined) return;
    this.#containers.set(record.id, record);
    if (before.state === record.state) return;
    if (record.state === 'CONTAINER_RUNNING') this.#emit(record.sandboxId, record.id, 'CONTAINER_STARTED_EVENT');
    if (record.state === 'CONTAINER_EXITED') this.#emit(record.sandboxId, record.id, 'CONTAINER_STOPPED_EVENT');
  }

  removeContainer(id: string): void {
    const record = this.#containers.get(id);
    if (record === undefined) return;
    this.#containers.delete(id);
    this.unreserve(containerKey(record.sandboxId, record.config));
    const siblings = this.#bySandbox.get(record.sandboxId)?.filter((sibling) => sibling !== id) ?? [];
    if (siblings.length > 0) this.#bySandbox.set(record.sandboxId, siblings);
    else this.#bySandbox.delete(record.sandboxId);
    this.#emit(record.sandboxId, id, 'CONTAINER_DELETED_EVENT');
  }

  #emit(sandboxId: string, containerId: string, containerEventType: ContainerEventType): void {
    if (!this.events.observed) return;
    const sandbox = this.#sandboxes.get(sandboxId);
    const event: ContainerEventResponse = {
      containerId,
      containerEventType,
      createdAt: this.#clock.now() * 1e6,
      podSandboxStatus: sandbox === undefined ? undefined : sandboxStatus(sandbox),
      containersStatuses: this.containersOf(sandboxId).map(containerStatus),
    };
    this.events.emit(event);
  }
}

/** The calls that only read the store. */
export type StoreQueries = Pick<
  RuntimeService,
  'podSandboxStatus' | 'listPodSandbox' | 'listContainers' | 'containerStatus' | 'getContainerEvents'
>;

export function storeQueries(store: PodStore, clock: Clock): StoreQueries {
  return {
    async podSandboxStatus({ podSandboxId }) {
      const record = store.sandbox(podSandboxId);
      return {
        status: sandboxStatus(record),
        info: {},
        containersStatuses: store.containersOf(record.id).map(containerStatus),
        timestamp: clock.now() * 1e6,
      };
    },
    async listPodSandbox({ filter }) {
      const items = [];
      for (const record of store.sandboxes()) if (sandboxMatches(record, filter)) items.push(listedSandbox(record));
      return { items };
    },
    async listContainers({ filter }) {
      const records = filter?.podSandboxId ? store.containersOf(filter.podSandboxId) : store.containers();
      const containers = [];
      for (const record of records) if (containerMatches(record, filter)) containers.push(listedContainer(record));
      return { containers };
    },
    async containerStatus({ containerId }) {
      return { status: containerStatus(store.container(containerId)), info: {} };
    },
    getContainerEvents(_request, signal) {
      return store.events.subscribe(signal);
    },
  };
}
