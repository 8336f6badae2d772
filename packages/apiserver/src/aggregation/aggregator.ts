import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type APIService, deepEqual } from '@keelson/core';
import { type Observable, Subject } from 'rxjs';
import type { HttpRequest } from '../authentication/index.ts';
import { type HttpResponse, send, textReply } from '../http/reply.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { ExtensionDocument, Extensions, ExtensionVersion } from './contract.ts';
import { Extension, type Finding } from './extension.ts';
import {
  type ExtensionEnvironment,
  ExtensionError,
  type Passage,
  RedirectError,
  UnresolvedError,
} from './extension-server.ts';

const documentPrefix = '/openapi/v3/';
const unavailableText = 'service unavailable\n';

/** Passes requests for groups of extension servers on to them, and gathers what they say of themselves. */
export class Aggregator implements Extensions {
  readonly #environment: ExtensionEnvironment;
  /** By `GROUP/VERSION`. */
  readonly #extensions = new Map<string, Extension>();
  readonly #changes = new Subject<void>();
  #found: (name: string) => void = () => undefined;

  constructor(environment: ExtensionEnvironment) {
    this.#environment = environment;
  }

  get changes$(): Observable<void> {
    return this.#changes;
  }

  /** Is told by name of each APIService whose server was found to answer, or not to. */
  onFinding(found: (name: string) => void): void {
    this.#found = found;
  }

  /** Whether the server of an APIService answers; `undefined`: nobody knows yet. It is asked now, and now and then. */
  check(service: APIService): Finding | undefined {
    const key = keyOf(service);
    let extension = this.#extensions.get(key);
    if (extension && !deepEqual(extension.service.spec, service.spec)) {
      extension.stop();
      extension = undefined;
    }
    if (!extension) {
      extension = new Extension(service, this.#environment, {
        found: () => this.#found(service.metadata.name ?? ''),
        changed: () => this.#changes.next(),
      });
      this.#extensions.set(key, extension);
      this.#changes.next();
    }
    return extension.reachable();
  }

  /** Its Service leads nowhere: there is nobody to ask. */
  lost(service: APIService): void {
    if (!service.spec.service) this.remove(service);
    else {
      this.check(service);
      this.#extensions.get(keyOf(service))?.lost();
    }
  }

  /** What its Service leads to has changed: it is asked again at once. */
  moved(service: APIService): void {
    this.#extensions.get(keyOf(service))?.askNow();
  }

  remove(service: APIService): void {
    const key = keyOf(service);
    const extension = this.#extensions.get(key);
    if (!extension) return;
    extension.stop();
    this.#extensions.delete(key);
    this.#changes.next();
  }

  stop(): void {
    for (const each of this.#extensions.values()) each.stop();
  }

  /** Who answers a request, where that is not this server. */
  claim(info: RequestInfo): Extension | undefined {
    if (this.#extensions.size === 0) return undefined;
    if (info.isResource) return this.find(info.group, info.version);
    const { path } = info;
    const place = path.startsWith(documentPrefix) ? path.slice(documentPrefix.length - 1) : path;
    const [, apis, group, version, ...rest] = place.split('/');
    return apis === 'apis' && rest.every((each) => each === '')
      ? this.#extensions.get(`${group}/${version}`)
      : undefined;
  }

  /** The extension server of a version of a group. */
  find(group: string, version: string): Extension | undefined {
    return this.#extensions.size === 0 ? undefined : this.#extensions.get(`${group}/${version}`);
  }

  /** Never rejects for what the extension server does wrong: the client is told. */
  async serve(extension: Extension, request: HttpRequest, response: HttpResponse, passage: Passage): Promise<void> {
    if (!extension.available) return send(request, response, textReply(503, unavailableText));
    try {
      await extension.server.forward(request, response, passage);
    } catch (error) {
      if (passage.signal.aborted || response.headersSent) throw error;
      const reply = refusal(error);
      if (!reply) throw error;
      await send(request, response, reply);
    }
  }

  /** For a client that asks for another protocol. */
  async upgrade(
    extension: Extension,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    passage: Omit<Passage, 'begun'>,
  ): Promise<void> {
    if (!extension.available) return endWith(socket, 503, unavailableText);
    try {
      await extension.server.tunnel(request, socket, head, passage);
    } catch (error) {
      const reply = refusal(error);
      if (!reply) throw error;
      endWith(socket, reply.code, String(reply.body));
    }
  }

  versions(): readonly ExtensionVersion[] {
    return [...this.#extensions.values()].map(({ service: { spec }, available, resources }) => ({
      group: spec.group ?? '',
      version: spec.version ?? '',
      groupPriority: spec.groupPriorityMinimum,
      versionPriority: spec.versionPriority,
      resources: available ? resources : undefined,
    }));
  }

  openApiPlaces(): ReadonlyMap<string, string> {
    const places = new Map<string, string>();
    for (const { place, documentUrl } of this.#extensions.values()) if (documentUrl) places.set(place, documentUrl);
    return places;
  }

  openApiDocuments(): readonly ExtensionDocument[] {
    return [...this.#extensions.values()].flatMap(({ document }) => document ?? []);
  }
}

const keyOf = ({ spec }: APIService) => `${spec.group ?? ''}/${spec.version ?? ''}`;

/** What a client is told of an error on the way; `undefined`: it is ours. */
function refusal(error: unknown) {
  if (error instanceof RedirectError) {
    const text = 'the backend attempted to redirect this request, which is not permitted';
    return { code: 502, contentType: 'text/plain; charset=utf-8', body: text };
  }
  if (error instanceof UnresolvedError) return textReply(503, unavailableText);
  if (error instanceof ExtensionError) return textReply(503, `error trying to reach service: ${error.message}\n`);
  return undefined;
}

function endWith(socket: Duplex, code: number, text: string): void {
  if (!socket.writable) return;
  socket.end(
    `HTTP/1.1 ${code} Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}
