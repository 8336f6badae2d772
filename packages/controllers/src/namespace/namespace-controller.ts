import {
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  Namespace,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  semanticEqual,
  timestamp,
  watch,
  wellKnown,
} from '@keelson/core';
import { deletionConditions } from './conditions.ts';
import { ContentDeleter } from './content-deleter.ts';
import { type DiscoverKinds, discoverKinds } from './content-kinds.ts';

/** How long finalizers that nobody announces the end of are waited for, in seconds. */
const finalizerEstimate = 15;

/** Empties namespaces that are being deleted, and then lets them go. */
export class NamespaceController implements Controller {
  readonly name = 'namespace';
  readonly concurrency = 10;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #namespaces: Informer<Namespace>;
  readonly #content: ContentDeleter;

  constructor(client: Client, informers: Informers, clock: Clock, discover: DiscoverKinds = discoverKinds) {
    this.#client = client;
    this.#clock = clock;
    this.#namespaces = informers.for(Namespace);
    this.#content = new ContentDeleter(client, discover);
    this.watches = [
      watch(this.#namespaces)
        .filter((namespace) => namespace.metadata.deletionTimestamp !== undefined)
        .self(),
      // A pod takes its time to go; everything else goes at once, or waits for a finalizer.
      watch(informers.for(Pod))
        .filter((_, event) => event.type === 'deleted')
        .map(({ metadata: { namespace } }) => (namespace && this.#isTerminating(namespace) ? [namespace] : [])),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const namespace = this.#namespaces.lister.get(key);
    if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return undefined;
    const finalizers = namespace.spec.finalizers ?? [];
    if (!finalizers.includes(wellKnown.kubernetesFinalizer)) {
      if (finalizers.length === 0 && (namespace.metadata.finalizers ?? []).length === 0) {
        await this.#delete(namespace, signal);
      }
      return undefined;
    }
    const progress = await this.#content.deleteAll(key, signal);
    const conditions = deletionConditions(namespace.status?.conditions ?? [], progress, timestamp(this.#clock));
    const status = { ...namespace.status, phase: 'Terminating', conditions };
    let latest = namespace;
    if (!semanticEqual(namespace.status, status)) {
      latest = await this.#client.updateStatus(Namespace, { ...namespace, status }, { signal });
    }
    if (progress.discoveryFailures.length > 0 || progress.deletionFailures.length > 0) {
      throw new Error([...progress.discoveryFailures, ...progress.deletionFailures].join('; '));
    }
    if (progress.remaining.length > 0) {
      const estimate = progress.graceSeconds || finalizerEstimate;
      return { requeueAfter: (Math.floor(estimate / 2) + 1) * 1000 };
    }
    await this.#finalize(latest, signal);
    return undefined;
  }

  #isTerminating(name: string): boolean {
    return this.#namespaces.lister.get(name)?.metadata.deletionTimestamp !== undefined;
  }

  async #finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const finalizers = (namespace.spec.finalizers ?? []).filter((each) => each !== wellKnown.kubernetesFinalizer);
    const body = { apiVersion: 'v1', kind: 'Namespace', ...namespace, spec: { ...namespace.spec, finalizers } };
    // A 404 is thrown as well: if the namespace is gone, the next try finds that out; if not, somebody must hear of it.
    await this.#client.transport.request({
      verb: 'update',
      group: Namespace.group,
      version: Namespace.version,
      resource: Namespace.plural,
      subresource: 'finalize',
      name: namespace.metadata.name,
      body,
      signal,
    });
  }

  async #delete(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const preconditions = { uid: namespace.metadata.uid };
    try {
      await this.#client.delete(Namespace, namespace.metadata, { preconditions, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}
