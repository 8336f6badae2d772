import {
  type Client,
  type Clock,
  type Controller,
  controllerOf,
  EndpointSlice,
  type Informer,
  type Informers,
  isStatusError,
  keyOf,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  Service,
  watch,
  wellKnown,
} from '@keelson/core';
import { Expectations, isNamespaceTerminating } from '../pod-control/index.ts';
import { endpointGroups, selectsPods } from './endpoints-of-service.ts';
import { addServiceIndexes, concernsEndpoints, podsOfService, servicesOfPod } from './service-index.ts';
import { managedBy, planSlices } from './slice-plan.ts';

const byService = 'managedSlicesOfService';
const serviceOf = ({ metadata }: EndpointSlice): readonly string[] => {
  const service = metadata.labels?.[wellKnown.serviceNameLabel];
  const ours = metadata.labels?.[wellKnown.endpointSliceManagedByLabel] === managedBy;
  return ours && service ? [`${metadata.namespace}/${service}`] : [];
};

const zoneLabel = 'topology.kubernetes.io/zone';

/** Keeps the EndpointSlices of every Service with a selector. */
export class EndpointSliceController implements Controller {
  readonly name = 'endpointslice';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #expectations: Expectations;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#services = informers.for(Service);
    this.#pods = informers.for(Pod);
    this.#nodes = informers.for(Node);
    this.#slices = informers.for(EndpointSlice);
    addServiceIndexes(this.#services, this.#pods);
    this.#slices.addIndex(byService, serviceOf);
    this.#expectations = new Expectations(clock, this.#slices.events$);
    this.watches = [
      watch(this.#services).self(),
      watch(this.#pods)
        .filter(concernsEndpoints)
        .map((pod) => servicesOfPod(this.#services.lister, pod)),
      watch(this.#slices).map(serviceOf),
      watch(this.#nodes)
        .filter((node, event) => event.type !== 'updated' || zoneOf(node) !== zoneOf(event.previous))
        .map(() => this.#services.lister.list().filter(selectsPods).map(keyOf)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const service = this.#services.lister.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined || !selectsPods(service)) return;
    const uid = service.metadata.uid ?? '';
    const waitMs = this.#expectations.remaining(uid);
    if (waitMs !== undefined) return { requeueAfter: waitMs };
    const pods = podsOfService(this.#pods.lister, service);
    const groups = endpointGroups(service, pods, (name) => this.#nodes.lister.get(name));
    const existing = this.#slices.lister
      .by(byService, key)
      .filter((slice) => (controllerOf(slice)?.uid ?? uid) === uid && slice.metadata.deletionTimestamp === undefined);
    const plan = planSlices(service, groups, existing);
    for (const slice of plan.create) {
      try {
        await this.#expectations.creation(uid, () => this.#client.create(EndpointSlice, slice, { signal }));
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
    }
    for (const slice of plan.update) await this.#client.update(EndpointSlice, slice, { signal });
    for (const slice of plan.delete) await this.#delete(uid, slice, signal);
    return undefined;
  }

  async #delete(owner: string, slice: EndpointSlice, signal: AbortSignal): Promise<void> {
    const { uid = '' } = slice.metadata;
    const preconditions = { uid };
    try {
      await this.#expectations.deletion(owner, uid, () =>
        this.#client.delete(EndpointSlice, slice.metadata, { preconditions, signal }),
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}

function zoneOf(node: Node): string | undefined {
  return node.metadata.labels?.[zoneLabel];
}
