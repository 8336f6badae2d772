import { randomUUID } from 'node:crypto';
import { type ApiRequest, type Clock, isStatusError } from '@keelson/core';
import type { ApiAnswer, ApiHandler, UserInfo } from '../registry/contract.ts';
import type { AuditRecord } from './audit-record.ts';
import type { Auditor } from './auditor.ts';

/** Takes down what clients in the same process ask for, as if it had come over HTTP. */
export class AuditedHandler implements ApiHandler {
  readonly #next: ApiHandler;
  readonly #auditor: Auditor;
  readonly #clock: Clock;

  constructor(next: ApiHandler, auditor: Auditor, clock: Clock) {
    this.#next = next;
    this.#auditor = auditor;
    this.#clock = clock;
  }

  get catalog() {
    return this.#next.catalog;
  }

  async handle(request: ApiRequest, user: UserInfo): Promise<ApiAnswer> {
    const record = this.#begin(request, user);
    if (!record) return this.#next.handle(request, user);
    if (!(await record.received())) throw this.#auditor.refusal();
    let watches = false;
    try {
      if (request.patchType) record.sent(request.body);
      const answer = await this.#next.handle({ ...request, record }, user);
      record.annotate('authorization.k8s.io/decision', 'allow');
      record.annotate('authorization.k8s.io/reason', '');
      record.begun(answer.type === 'object' ? answer.code : 200);
      if (answer.type === 'watch') {
        watches = true;
        return { ...answer, events: untilItEnds(answer.events, record) };
      }
      if (record.takesResponse) record.answered(textOf(answer));
      return answer;
    } catch (error) {
      if (!isStatusError(error)) await record.broke(String(error));
      else {
        record.annotate('authorization.k8s.io/decision', error.reason === 'Forbidden' ? 'forbid' : 'allow');
        record.annotate('authorization.k8s.io/reason', '');
        record.answeredStatus(error.status);
        record.begun(error.code);
      }
      throw error;
    } finally {
      if (!watches) void record.finished();
    }
  }

  #begin(request: ApiRequest, user: UserInfo): AuditRecord | undefined {
    const { verb, group, version, resource, subresource, namespace, name, program } = request;
    const path = pathOf(request);
    return this.#auditor.begin({
      user,
      verb,
      path,
      resource: { group, resource, subresource, namespace, name },
      version,
      auditId: randomUUID(),
      uri: path,
      userAgent: program,
      sourceIps: [],
      at: this.#clock.now(),
      longRunning: verb === 'watch',
    });
  }
}

function pathOf({ group, version, resource, subresource, namespace, name }: ApiRequest): string {
  const parts = [group === '' ? '/api' : `/apis/${group}`, version];
  if (namespace !== undefined && resource !== 'namespaces') parts.push('namespaces', namespace);
  return [...parts, resource, name, subresource].filter((each) => each !== undefined).join('/');
}

function textOf(answer: Exclude<ApiAnswer, { readonly type: 'watch' }>): string {
  if (answer.type === 'object') return JSON.stringify(answer.value.object);
  const { kind, apiVersion, metadata, items } = answer.value;
  return JSON.stringify({ kind, apiVersion, metadata, items: items.map(({ object }) => object) });
}

async function* untilItEnds<T>(events: AsyncIterable<T>, record: AuditRecord): AsyncIterable<T> {
  try {
    yield* events;
  } finally {
    await record.finished();
  }
}
