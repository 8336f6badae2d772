import type { APIService } from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';
import type { DiscoveredResource, ExtensionDocument } from './contract.ts';
import { aggregatedAccept, aggregatedResources, documentOf, listedResources, placeOf } from './extension-discovery.ts';
import {
  authority,
  type ExtensionEnvironment,
  ExtensionError,
  ExtensionServer,
  UnresolvedError,
} from './extension-server.ts';

export interface Finding {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface ExtensionObserver {
  /** It was found to answer, or not to, other than before. */
  found(): void;
  /** What discovery and OpenAPI tell of it has changed. */
  changed(): void;
}

/** Who the aggregator says to be when it asks for itself. */
const prober: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] };
const reader: UserInfo = { name: 'system:aggregator', groups: [] };

const passed: Finding = { status: 'True', reason: 'Passed', message: 'all checks passed' };
/** So many ask at once: of a Service with several endpoints one that answers is enough. */
const attempts = 5;
const patienceMs = 5_000;
const againMs = 15_000;
const againWhileDownMs = 3_000;
const documentsEveryMs = 60_000;

/** An APIService that leads to an extension server, and what is known of that. */
export class Extension {
  readonly service: APIService;
  readonly server: ExtensionServer;
  readonly place: string;
  resources: readonly DiscoveredResource[] | undefined;
  document: ExtensionDocument | undefined;
  documentUrl: string | undefined;
  readonly #environment: ExtensionEnvironment;
  readonly #observer: ExtensionObserver;
  readonly #stopped = new AbortController();
  #finding: Finding | undefined;
  #lost = false;
  #asking = false;
  #read = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => undefined;

  constructor(service: APIService, environment: ExtensionEnvironment, observer: ExtensionObserver) {
    this.service = service;
    this.server = new ExtensionServer(service, environment);
    this.place = `apis/${service.spec.group}/${service.spec.version}`;
    this.#environment = environment;
    this.#observer = observer;
  }

  /** Whether requests are passed on to it. */
  get available(): boolean {
    return !this.#lost && this.#finding?.status === 'True';
  }

  /** What was found last; the first time that its Service leads somewhere it is asked. */
  reachable(): Finding | undefined {
    if (this.#lost || this.#finding === undefined) {
      this.#lost = false;
      this.#finding = undefined;
      this.#askSoon(0);
    }
    return this.#finding;
  }

  askNow(): void {
    if (this.#finding) this.#askSoon(0);
  }

  lost(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#finding = undefined;
    this.#cancel();
    this.#observer.changed();
  }

  stop(): void {
    this.#stopped.abort();
    this.#cancel();
    this.server.close();
  }

  #askSoon(ms: number): void {
    this.#cancel();
    if (this.#stopped.signal.aborted || this.#lost) return;
    const ask = () => {
      if (this.#asking) return;
      this.#asking = true;
      this.#ask().finally(() => {
        this.#asking = false;
        this.#askSoon(this.available ? againMs : againWhileDownMs);
      });
    };
    if (ms === 0) ask();
    else this.#cancel = this.#environment.clock.after(ms, ask);
  }

  async #ask(): Promise<void> {
    const tries = Array.from({ length: attempts }, () => this.#try());
    const finding = await Promise.any(tries).catch(
      (all: unknown): Finding => ({
        status: 'False',
        reason: 'FailedDiscoveryCheck',
        message: messageOf(all instanceof AggregateError ? all.errors.at(-1) : all),
      }),
    );
    if (this.#stopped.signal.aborted || this.#lost) return;
    const before = this.#finding;
    this.#finding = finding;
    const changed = before?.status !== finding.status;
    if (finding.status === 'True' && (changed || this.#environment.clock.now() - this.#read >= documentsEveryMs)) {
      await this.#readDocuments();
    }
    if (changed) this.#observer.changed();
    if (changed || before?.message !== finding.message) this.#observer.found();
  }

  async #try(): Promise<Finding> {
    const path = `/${this.place}`;
    const at = await this.server.resolve();
    const url = `https://${authority(at)}${path}`;
    const failed = (why: string) => new ExtensionError(`failing or missing response from ${url}: ${why}`);
    const late = this.#patience();
    try {
      const { status } = await this.server.ask({ path }, prober, late.signal);
      if (status < 200 || status >= 300) throw failed(`bad status from ${url}: ${status}`);
      return passed;
    } catch (error) {
      if (error instanceof UnresolvedError) throw failed(error.message);
      if (error instanceof ExtensionError && error.message.startsWith('failing or missing')) throw error;
      const why = late.signal.aborted ? 'context deadline exceeded' : messageOf(error);
      throw failed(`Get ${JSON.stringify(url)}: ${why}`);
    } finally {
      late.cancel();
    }
  }

  async #readDocuments(): Promise<void> {
    this.#read = this.#environment.clock.now();
    const { group = '', version = '' } = this.service.spec;
    const all = await this.#get('/apis', prober, aggregatedAccept);
    const resources =
      (all === undefined ? undefined : aggregatedResources(all, group, version)) ??
      listedResources((await this.#get(`/${this.place}`, prober, 'application/json')) ?? '');
    const two = await this.#get('/openapi/v2', reader, 'application/json');
    const three = await this.#get('/openapi/v3', reader, 'application/json');
    const document = two === undefined ? undefined : documentOf(two, this.place);
    const documentUrl = three === undefined ? undefined : placeOf(three, this.place);
    if (this.#stopped.signal.aborted) return;
    this.resources = resources;
    this.document = document;
    this.documentUrl = documentUrl;
    this.#observer.changed();
  }

  /** `undefined`: it does not say. */
  async #get(path: string, user: UserInfo, accept: string): Promise<string | undefined> {
    const late = this.#patience();
    try {
      const { status, text } = await this.server.ask({ path, headers: { accept } }, user, late.signal);
      return status === 200 ? text : undefined;
    } catch (error) {
      this.#environment.logger.debug('an extension server could not be asked', { path, error: messageOf(error) });
      return undefined;
    } finally {
      late.cancel();
    }
  }

  #patience(): { readonly signal: AbortSignal; cancel(): void } {
    const late = new AbortController();
    const end = () => late.abort(new Error('context deadline exceeded'));
    const cancel = this.#environment.clock.after(patienceMs, end);
    this.#stopped.signal.addEventListener('abort', end, { once: true });
    return {
      signal: late.signal,
      cancel: () => {
        cancel();
        this.#stopped.signal.removeEventListener('abort', end);
      },
    };
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
