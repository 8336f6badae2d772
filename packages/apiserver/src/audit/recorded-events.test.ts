import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';
import { AuditOptions, Auditor } from './index.ts';

/** A request, and the events that kube-apiserver v1.35.4 wrote for it under the policy below. */
interface Recorded {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly anonymous?: boolean;
  readonly events: readonly Event[];
}

interface Event {
  readonly auditID: string;
  readonly stage: string;
  readonly [field: string]: unknown;
}

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [
    { level: 'None', users: ['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler'] },
    { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] },
    { level: 'Request', resources: [{ group: '', resources: ['serviceaccounts', 'serviceaccounts/token'] }] },
    { level: 'RequestResponse', omitManagedFields: true, namespaces: ['omit'] },
    { level: 'RequestResponse' },
  ],
};

const file = new URL('recorded-events.test-data.jsonl', import.meta.url);
const recorded = (await readFile(file, 'utf8'))
  .trim()
  .split('\n')
  .map((line): Recorded => JSON.parse(line));

/** What differs from run to run, or from cluster to cluster. */
const changing: Readonly<Record<string, string>> = {
  uid: 'UID',
  resourceVersion: 'VERSION',
  creationTimestamp: 'TIME',
  time: 'TIME',
  requestReceivedTimestamp: 'TIME',
  stageTimestamp: 'TIME',
  'authentication.kubernetes.io/credential-id': 'CREDENTIAL',
  // Descriptions of columns are told by OpenAPI here.
  description: '',
};

function settled(value: unknown, field = ''): unknown {
  const change = changing[field];
  if (change !== undefined) return change;
  if (typeof value === 'string') {
    if (/^g-.{5}$/.test(value)) return 'g-GENERATED';
    return value === 'kubernetes-admin' ? 'admin' : value.replace(/\d+s$/, 'AGE');
  }
  if (Array.isArray(value)) return value.map((each) => settled(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, settled(each, name)]));
}

/** What is known to be otherwise here: of a Namespace that is sent its phase is filled in only when it is made. */
function otherwise(event: Event): Event {
  const { requestObject } = event;
  if (typeof requestObject !== 'object' || requestObject === null || !('kind' in requestObject)) return event;
  return requestObject.kind === 'Namespace' ? { ...event, requestObject: { ...requestObject, status: {} } } : event;
}

/** Kubernetes was asked where anybody may ask for anything; here whoever says nothing of who they are gets only probes. */
const skipped: ReadonlySet<string> = new Set(['apply', 'anonymous']);

describe('the audit log', () => {
  let dir: string;
  let server: TestApiServer;
  let told: ReadonlyMap<string, readonly Event[]>;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'audit-'));
    const options = AuditOptions.parse({ policy, log: { path: join(dir, 'audit.log') } });
    const auditor = new Auditor({ options, clock: systemClock, random: systemRandom, logger: silentLogger });
    await auditor.open();
    server = await startTestApiServer({ socket: true, auditor });
    for (const each of recorded) await ask(each);
    await server.stop();
    const events = (await readFile(join(dir, 'audit.log'), 'utf8')).trim().split('\n');
    const byId = new Map<string, Event[]>();
    for (const event of events.map((line): Event => JSON.parse(line))) {
      byId.set(event.auditID, [...(byId.get(event.auditID) ?? []), event]);
    }
    told = byId;
  }, 60_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  function ask({ id, method, path, headers = {}, body, anonymous }: Recorded): Promise<void> {
    const { listening, pki } = server;
    if (!listening || !pki) throw new Error('no socket');
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(`${listening.url}${path}`, {
        method,
        ca: pki.ca,
        ...(!anonymous && { cert: pki.admin.certificate, key: pki.admin.key }),
        agent: false,
        headers: {
          accept: 'application/json',
          'user-agent': 'audit-test/1.0',
          'audit-id': id,
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      });
      sent.once('error', reject);
      sent.once('response', (answer) => answer.resume().once('end', () => resolve()));
      sent.end(text);
    });
  }

  it.each(
    recorded.filter(({ id }) => !skipped.has(id)).map((each) => [each.id, each] as const),
  )('says of %s what Kubernetes says', (id, { events }) => {
    expect(settled(told.get(id))).toEqual(settled(events.map(otherwise)));
  });

  it('keeps its fields in the order of Kubernetes', () => {
    const [, ours] = told.get('create') ?? [];
    const [, theirs] = recorded.find(({ id }) => id === 'create')?.events ?? [];
    expect(Object.keys(ours ?? {})).toEqual(Object.keys(theirs ?? {}));
  });

  it('takes down patches in YAML too, over which Kubernetes loses the event', () => {
    const [, complete] = told.get('apply') ?? [];
    expect(complete).toMatchObject({
      stage: 'ResponseComplete',
      requestObject: { kind: 'ConfigMap', data: { k: 'v' } },
    });
  });
});
