import {
  CertificateSigningRequest,
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from '@keelson/core';
import { untilStale } from './request-state.ts';

/** Deletes requests that are of no use any more. */
export class CleaningController implements Controller {
  readonly name = 'certificate-cleaning';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#requests = informers.for(CertificateSigningRequest);
    this.watches = [watch(this.#requests).self()];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const request = this.#requests.lister.get(key);
    if (request === undefined) return undefined;
    const wait = untilStale(request, this.#clock.now());
    if (wait > 0) return { requeueAfter: wait };
    const { uid, resourceVersion } = request.metadata;
    try {
      const preconditions = { uid, resourceVersion };
      await this.#client.delete(CertificateSigningRequest, request.metadata, { preconditions, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }
}
