import {
  type Client,
  type Controller,
  Endpoints,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  Service,
  semanticEqual,
  watch,
} from '@keelson/core';
import { isNamespaceTerminating } from '../pod-control/index.ts';
import { selectsPods } from './endpoints-of-service.ts';
import { addServiceIndexes, concernsEndpoints, podsOfService, servicesOfPod } from './service-index.ts';
import { triggerTimeAnnotation } from './slice-plan.ts';
import { endpointSubsets, endpointsAnnotations, endpointsLabels, managedByLabel, managedByValue } from './subsets.ts';

/** Keeps the older `v1` Endpoints beside the EndpointSlices, for clients that still read them. */
export class EndpointsController implements Controller {
  readonly name = 'endpoints';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #endpoints: Informer<Endpoints>;

  constructor(client: Client, informers: Informers) {
    this.#client = client;
    this.#services = informers.for(Service);
    this.#pods = informers.for(Pod);
    this.#endpoints = informers.for(Endpoints);
    addServiceIndexes(this.#services, this.#pods);
    this.watches = [
      watch(this.#services).self(),
      watch(this.#pods)
        .filter(concernsEndpoints)
        .map((pod) => servicesOfPod(this.#services.lister, pod)),
      watch(this.#endpoints)
        .filter((endpoints) => endpoints.metadata.labels?.[managedByLabel] === managedByValue)
        .self(),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const service = this.#services.lister.get(key);
    const existing = this.#endpoints.lister.get(key);
    if (service === undefined) return existing && this.#delete(existing, signal);
    if (service.metadata.deletionTimestamp !== undefined || !selectsPods(service)) return undefined;
    const subsets = endpointSubsets(service, podsOfService(this.#pods.lister, service));
    const labels = endpointsLabels(service);
    if (existing === undefined) {
      const { name, namespace, creationTimestamp } = service.metadata;
      const annotations = creationTimestamp && { [triggerTimeAnnotation]: creationTimestamp };
      const metadata = { name, namespace, labels, ...(annotations && { annotations }) };
      try {
        await this.#client.create(Endpoints, { metadata, subsets }, { signal });
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
    } else if (!semanticEqual(existing.subsets, subsets) || !semanticEqual(existing.metadata.labels, labels)) {
      const metadata = { ...existing.metadata, labels, annotations: endpointsAnnotations(existing) };
      await this.#client.update(Endpoints, { ...existing, metadata, subsets }, { signal });
    }
    return undefined;
  }

  async #delete(endpoints: Endpoints, signal: AbortSignal): Promise<undefined> {
    try {
      const preconditions = { uid: endpoints.metadata.uid };
      await this.#client.delete(Endpoints, endpoints.metadata, { preconditions, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }
}
