import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { StatusError } from '@keelson/core';
import { type Auditor, type AuditRecord, asAnswered, sourceIps } from '../audit/index.ts';
import type { HttpRequest } from '../authentication/index.ts';
import { selectionOf } from '../authorization/index.ts';
import type { ApiAnswer, AuthorizationDecision, UserInfo } from '../registry/contract.ts';
import { type EncodingContext, encodeList, encodeObject } from './encode-answer.ts';
import { isLongRunning } from './long-running.ts';
import type { HttpResponse } from './reply.ts';
import type { RequestInfo } from './request-info.ts';

/** The id under which a request is taken down, and found again: the client's own, if it sent one. */
export const auditIdOf = (request: HttpRequest): string => String(request.headers['audit-id'] ?? randomUUID());

const methods: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** What the face tells the audit log of one request. */
export class AuditTrail {
  readonly #auditor: Auditor;
  readonly #request: HttpRequest;
  readonly #info: RequestInfo;
  readonly #auditId: string;
  readonly #at: number;
  #identified = false;
  #record: AuditRecord | undefined;

  /** @param at when the request came, in milliseconds since the epoch */
  constructor(auditor: Auditor, request: HttpRequest, info: RequestInfo, auditId: string, at: number) {
    this.#auditor = auditor;
    this.#request = request;
    this.#info = info;
    this.#auditId = auditId;
    this.#at = at;
  }

  /** Undefined: the policy does not want this request. */
  get record(): AuditRecord | undefined {
    return this.#record;
  }

  /** It is known who asks. Rejects with 500 where what cannot be taken down must not be done. */
  async identified(user: UserInfo, answer: HttpResponse | Duplex | undefined): Promise<void> {
    this.#identified = true;
    const record = this.#begin(user);
    if (!record) return;
    this.#record = record;
    if (answer) whenBegun(answer, (code) => record.begun(code));
    if (!(await record.received())) throw this.#auditor.refusal();
  }

  decided({ allowed, reason, error }: AuthorizationDecision): void {
    this.#record?.annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
    this.#record?.annotate('authorization.k8s.io/reason', !allowed && error !== undefined ? 'internal error' : reason);
  }

  /** What is answered with an object or a list. `sent`: its bytes, where they are the JSON of it already. */
  async answered(answer: ApiAnswer, encoding: EncodingContext, sent: Uint8Array | undefined): Promise<void> {
    const record = this.#record;
    if (!record || answer.type === 'watch') return;
    const { verb } = this.#info;
    const subresource = this.#info.isResource ? this.#info.subresource : undefined;
    // What else is read need not be decoded for it.
    const mayBeStatus = answer.type === 'object' && (verb === 'delete' || subresource !== undefined);
    if (mayBeStatus && answer.value.object.kind === 'Status') record.answeredStatus(answer.value.object);
    if (!record.takesResponse) return;
    const format = { ...encoding.format, mediaType: 'application/json', pretty: false } as const;
    const context = { ...encoding, format };
    const body =
      sent ??
      (answer.type === 'object' ? encodeObject(answer.value, context) : await encodeList(answer.value, context));
    record.answered((await textOf(body)).trimEnd());
  }

  /** An error is answered. */
  async failed(error: StatusError): Promise<void> {
    const { status } = error;
    if (!this.#identified) {
      await this.#begin(undefined)?.refused(status);
      return;
    }
    // Kubernetes says these past the audit log.
    if (error.code === 406) return;
    this.#record?.answeredStatus(status);
    this.#record?.answered(JSON.stringify(asAnswered(status)));
  }

  #begin(user: UserInfo | undefined): AuditRecord | undefined {
    const info = this.#info;
    const { headers, method, socket, url = '/' } = this.#request;
    const text = (value: string | readonly string[] | undefined) => (typeof value === 'string' ? value : value?.[0]);
    const resource = info.isResource ? { ...info, ...selectionOf(info.verb, info.name, info) } : undefined;
    return this.#auditor.begin({
      user,
      verb: info.isResource && !methods.has(method) ? '' : info.verb,
      path: info.path,
      auditId: this.#auditId,
      uri: url,
      userAgent: text(headers['user-agent']),
      sourceIps: sourceIps(text(headers['x-forwarded-for']), text(headers['x-real-ip']), socket?.remoteAddress),
      at: this.#at,
      longRunning: isLongRunning(info),
      ...(info.isResource && { resource, version: info.version }),
    });
  }
}

/** Calls back with the code of an answer when its head is written, by whomever. */
function whenBegun(answer: HttpResponse | Duplex, begun: (code: number) => void): void {
  if ('writeHead' in answer) {
    const { writeHead } = answer;
    Object.defineProperty(answer, 'writeHead', {
      configurable: true,
      writable: true,
      value(...args: unknown[]) {
        begun(Number(args[0]));
        return Reflect.apply(writeHead, answer, args);
      },
    });
    return;
  }
  const { write } = answer;
  Object.defineProperty(answer, 'write', {
    configurable: true,
    writable: true,
    value(...args: unknown[]) {
      const [head] = args;
      const line = Buffer.isBuffer(head) ? head.subarray(0, 16).toString('latin1') : String(head);
      const code = /^HTTP\/1\.1 (\d{3})/.exec(line)?.[1];
      Reflect.deleteProperty(answer, 'write');
      begun(Number(code ?? 101));
      return Reflect.apply(write, answer, args);
    },
  });
}

async function textOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  const pieces: Uint8Array[] = [];
  for await (const each of body) pieces.push(each);
  return Buffer.concat(pieces).toString();
}
