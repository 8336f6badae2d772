import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeNodeFixture, readLines } from '../../authorization/node/node-fixture.test-data.ts';
import { startTestApiServer, type TestApiServer } from '../../server/start-test-api-server.ts';
import { type TestRequest, TestRequests } from '../../server/test-requests.ts';

/** What kubelets tried on a real v1.35.4, and its answers; `$uid:PATH` stands for the UID of what is there. */
const rows = readLines(
  new URL('./recorded-answers.jsonl', import.meta.url),
  z.object({
    name: z.string(),
    method: z.string(),
    path: z.string(),
    body: z.unknown().optional(),
    type: z.string().optional(),
    node: z.string().optional(),
    user: z.string().optional(),
    groups: z.array(z.string()).optional(),
    code: z.number(),
    message: z.string().optional(),
  }),
);

const stored = z.object({ metadata: z.object({ uid: z.string() }) });

/** What a message shows of an object that every server makes up for itself. */
const withoutOwn = (message: string) => message.replace(/("(?:creationTimestamp|uid)": )"[^"]*"/g, '$1…');

/** What the controller of volumes had made of the claims when the answers were recorded. */
async function bindClaims(requests: TestRequests): Promise<void> {
  for (const name of ['claim1', 'claim-other']) {
    const path = `/api/v1/namespaces/pse/persistentvolumeclaims/${name}`;
    const type = 'application/merge-patch+json';
    const annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
    const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'] };
    for (const [to, body] of [
      [path, { metadata: { annotations } }],
      [`${path}/status`, { status }],
    ] as const) {
      const { code, message } = await requests.send({ method: 'PATCH', path: to, type, body });
      if (code !== 200) throw new Error(`${to}: ${code} ${message}`);
    }
  }
}

describe('NodeRestriction', () => {
  let server: TestApiServer;
  let requests: TestRequests;
  const uids = new Map<string, string>();

  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
    requests = new TestRequests(server);
    await makeNodeFixture(requests);
    await bindClaims(requests);
  }, 60_000);

  afterAll(async () => {
    requests.close();
    await server.stop();
  });

  async function uidOf(path: string): Promise<string> {
    const known = uids.get(path) ?? stored.parse((await requests.send({ method: 'GET', path })).body).metadata.uid;
    uids.set(path, known);
    return known;
  }

  async function withUids(body: unknown): Promise<unknown> {
    let text = JSON.stringify(body);
    for (const [found, path = ''] of text.matchAll(/\$uid:([^"]+)/g)) {
      text = text.replaceAll(found, await uidOf(path));
    }
    return JSON.parse(text);
  }

  it('answers kubelets as a real server does, in its words', async () => {
    const differences: unknown[] = [];
    for (const { name, method, path, body, type, node = 'pse-n', user, groups, ...expected } of rows) {
      const request: TestRequest = {
        method,
        path,
        as: { user: user ?? `system:node:${node}`, groups: groups ?? ['system:nodes', 'system:authenticated'] },
        ...(type !== undefined && { type }),
        ...(body !== undefined && { body: await withUids(body) }),
      };
      const { code, message } = await requests.send(request);
      let actual = message;
      for (const [of, uid] of uids) actual = actual.replaceAll(uid, `$uid:${of}`);
      const wanted = expected.message ?? '';
      if (code !== expected.code || withoutOwn(actual) !== withoutOwn(wanted)) {
        differences.push({ name, expected: [expected.code, wanted], actual: [code, actual] });
      }
    }
    expect(differences).toEqual([]);
  }, 60_000);
});
