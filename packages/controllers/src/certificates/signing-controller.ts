import {
  CertificateSigningRequest,
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type Informers,
  type ObjectKey,
  type ReconcileContext,
  timestamp,
  watch,
} from '@keelson/core';
import { messageOf } from '../pod-control/index.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { pemOf, stateOf } from './request-state.ts';
import { isOwnSigner, signingProblem } from './signers.ts';
import { validityOf } from './validity.ts';

export interface SigningOptions {
  readonly clock: Clock;
  readonly authority: CertificateAuthority;
  /** How long a certificate is valid at most, and where its request does not say for how long it is wanted. */
  readonly longestMs: number;
}

/** Issues the certificates of approved requests to Kubernetes' own signers, by the cluster's authority. */
export class SigningController implements Controller {
  readonly name = 'certificate-signing';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #authority: CertificateAuthority;
  readonly #longestMs: number;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(client: Client, informers: Informers, { clock, authority, longestMs }: SigningOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#authority = authority;
    this.#longestMs = longestMs;
    this.#requests = informers.for(CertificateSigningRequest);
    this.watches = [watch(this.#requests).filter(waitsForUs).self()];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    const request = this.#requests.lister.get(key);
    if (request === undefined || !waitsForUs(request)) return;
    const { signerName, usages = [], expirationSeconds } = request.spec;
    const pem = pemOf(request);
    const problem = await this.#authority.read(pem).then(
      (who) => signingProblem(signerName, who, usages),
      (error: unknown) => `unable to parse csr ${JSON.stringify(request.metadata.name)}: ${messageOf(error)}`,
    );
    if (problem !== undefined) return this.#refuse(request, problem, signal);
    const validity = validityOf(this.#clock.now(), this.#longestMs, expirationSeconds);
    const issued = await this.#authority.sign({ request: pem, usages, ...validity });
    const certificate = Buffer.from(issued).toString('base64');
    await this.#client.updateStatus(
      CertificateSigningRequest,
      { ...request, status: { ...request.status, certificate } },
      { signal },
    );
  }

  async #refuse(request: CertificateSigningRequest, message: string, signal: AbortSignal): Promise<void> {
    const now = timestamp(this.#clock);
    const condition = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message,
      lastUpdateTime: now,
      lastTransitionTime: now,
    };
    const conditions = [...(request.status?.conditions ?? []), condition];
    await this.#client.updateStatus(
      CertificateSigningRequest,
      { ...request, status: { ...request.status, conditions } },
      { signal },
    );
  }
}

const waitsForUs = (request: CertificateSigningRequest) =>
  isOwnSigner(request.spec.signerName) && stateOf(request) === 'approved';
