import {
  type Client,
  type Clock,
  type Controller,
  EndpointSlice,
  Endpoints,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  type ReconcileContext,
  type ReconcileResult,
  Service,
  watch,
  wellKnown,
} from '@keelson/core';
import { Expectations, isNamespaceTerminating } from '../pod-control/index.ts';
import { isMirrored, managedBy, planMirror } from './mirror-plan.ts';

const byService = 'mirroredSlicesOfService';
const serviceOf = ({ metadata }: EndpointSlice): readonly string[] => {
  const service = metadata.labels?.[wellKnown.serviceNameLabel];
  const ours = metadata.labels?.[wellKnown.endpointSliceManagedByLabel] === managedBy;
  return ours && service ? [`${metadata.namespace}/${service}`] : [];
};

/** Keeps EndpointSlices for the Endpoints that people write themselves. */
export class EndpointSliceMirroringController implements Controller {
  readonly name = 'endpointslice-mirroring';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #endpoints: Informer<Endpoints>;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #expectations: Expectations;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#endpoints = informers.for(Endpoints);
    this.#services = informers.for(Service);
    this.#slices = informers.for(EndpointSlice);
    this.#slices.addIndex(byService, serviceOf);
    this.#expectations = new Expectations(clock, this.#slices.events$);
    this.watches = [
      watch(this.#endpoints).self(),
      watch(this.#services)
        .filter(
          (service, event) =>
            event.type !== 'updated' ||
            (event.previous.spec.selector === undefined) !== (service.spec.selector === undefined),
        )
        .self(),
      watch(this.#slices).map(serviceOf),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const endpoints = this.#endpoints.lister.get(key);
    const existing = this.#slices.lister
      .by(byService, key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (endpoints === undefined || !isMirrored(endpoints, this.#services.lister.get(key))) {
      for (const slice of existing) await this.#delete(slice, signal);
      return undefined;
    }
    const uid = endpoints.metadata.uid ?? '';
    const wait = this.#expectations.remaining(uid);
    if (wait !== undefined) return { requeueAfter: wait };
    const plan = planMirror(endpoints, existing);
    try {
      for (const slice of plan.create) {
        await this.#expectations.creation(uid, () => this.#client.create(EndpointSlice, slice, { signal }));
      }
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      throw error;
    }
    for (const slice of plan.update) await this.#client.update(EndpointSlice, slice, { signal });
    for (const slice of plan.delete) await this.#delete(slice, signal);
    return undefined;
  }

  async #delete({ metadata }: EndpointSlice, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.delete(EndpointSlice, metadata, { preconditions: { uid: metadata.uid }, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}
