import {
  CertificateSigningRequest,
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type Informers,
  type ObjectKey,
  type ReconcileContext,
  SubjectAccessReview,
  timestamp,
  watch,
} from '@keelson/core';
import type { CertificateAuthority } from './certificate-authority.ts';
import { pemOf, stateOf } from './request-state.ts';
import { kubeletClientProblem, signers } from './signers.ts';

interface Recognizer {
  readonly permission: string;
  readonly message: string;
  readonly fits: (own: boolean) => boolean;
}

const recognizers: readonly Recognizer[] = [
  {
    permission: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
    fits: (own) => own,
  },
  {
    permission: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    fits: () => true,
  },
];

/** Approves the client certificates of kubelets, where who asks may have them (TLS bootstrapping). */
export class ApprovingController implements Controller {
  readonly name = 'certificate-approving';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #authority: CertificateAuthority;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(client: Client, informers: Informers, clock: Clock, authority: CertificateAuthority) {
    this.#client = client;
    this.#clock = clock;
    this.#authority = authority;
    this.#requests = informers.for(CertificateSigningRequest);
    this.watches = [
      watch(this.#requests)
        .filter((request) => request.spec.signerName === signers.kubeletClient && stateOf(request) === 'pending')
        .self(),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    const request = this.#requests.lister.get(key);
    if (request?.spec.signerName !== signers.kubeletClient || stateOf(request) !== 'pending') return;
    const { username = '', usages = [] } = request.spec;
    const who = await this.#authority.read(pemOf(request)).catch(() => undefined);
    if (who === undefined || kubeletClientProblem(who, usages) !== undefined) return;
    for (const { permission, message, fits } of recognizers) {
      if (!fits(username === who.commonName) || !(await this.#may(request, permission, signal))) continue;
      await this.#approve(request, message, signal);
      return;
    }
  }

  async #may({ spec }: CertificateSigningRequest, subresource: string, signal: AbortSignal): Promise<boolean> {
    const { username: user, uid, groups, extra } = spec;
    const resourceAttributes = {
      group: 'certificates.k8s.io',
      resource: 'certificatesigningrequests',
      verb: 'create',
      subresource,
    };
    const review = { metadata: {}, spec: { user, uid, groups, extra, resourceAttributes } };
    const answer = await this.#client.create(SubjectAccessReview, review, { signal });
    return answer.status?.allowed === true;
  }

  async #approve(request: CertificateSigningRequest, message: string, signal: AbortSignal): Promise<void> {
    const now = timestamp(this.#clock);
    const condition = {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message,
      lastUpdateTime: now,
      lastTransitionTime: now,
    };
    const { group, version, plural: resource } = CertificateSigningRequest;
    const conditions = [...(request.status?.conditions ?? []), condition];
    await this.#client.transport.request({
      verb: 'update',
      group,
      version,
      resource,
      subresource: 'approval',
      name: request.metadata.name,
      body: {
        ...request,
        apiVersion: `${group}/${version}`,
        kind: CertificateSigningRequest.kind,
        status: { ...request.status, conditions },
      },
      signal,
    });
  }
}
