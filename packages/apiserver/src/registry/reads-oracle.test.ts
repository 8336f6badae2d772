import { request } from 'node:https';
import { type ClientConfig, loadKubeconfig } from '@keelson/core/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const namespace = `reads-${process.pid}`;
const objects = ['c1', 'c2', 'c3', 'c4', 'c5'];

const answerSchema = z.looseObject({
  kind: z.string().optional(),
  metadata: z.looseObject({
    name: z.string().optional(),
    resourceVersion: z.string().optional(),
    continue: z.string().optional(),
    remainingItemCount: z.number().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  items: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })).optional(),
});
const eventSchema = z.object({ type: z.string(), object: answerSchema });

/** A server, and the versions at which it wrote the objects. */
class Side {
  readonly #config: ClientConfig;
  versions = new Map<string, number>();

  constructor(config: ClientConfig) {
    this.#config = config;
  }

  send(method: string, path: string, body?: unknown): Promise<{ readonly code: number; readonly text: string }> {
    const { server, ca, cert, key } = this.#config;
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json' };
      const sent = request(new URL(path, server), { method, ca, cert, key, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async prepare(): Promise<void> {
    await this.send('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    for (const name of objects) {
      const made = await this.send('POST', path(''), { metadata: { name, labels: { n: name } } });
      this.versions.set(name, Number(answerSchema.parse(JSON.parse(made.text)).metadata.resourceVersion));
    }
  }

  /** `<c3>` in a query is the version at which c3 was written; `<token c2 c3>` a token of a list at c3 that begins after c2. */
  async ask(query: string): Promise<unknown> {
    const filled = query
      .replace(/<token (\S+) (\S+)>/, (_, after: string, at: string) =>
        encode({ v: 'meta.k8s.io/v1', rv: this.versions.get(at) ?? Number(at), start: `/${after}\0` }),
      )
      .replace(/<(c\d)>/g, (_, name: string) => String(this.versions.get(name)));
    const { code, text } = await this.send('GET', path(filled));
    const lines = text.split('\n').filter((line) => line !== '');
    return query.includes('watch=') && code === 200
      ? [code, ...lines.map((line) => this.#event(JSON.parse(line)))]
      : [code, this.#answer(JSON.parse(text))];
  }

  #event(value: unknown): unknown {
    const { type, object } = eventSchema.parse(value);
    if (type === 'ERROR') return [type, this.#answer(object)];
    return [type, object.metadata.name, type === 'BOOKMARK' ? object.metadata.annotations : undefined];
  }

  #answer(value: unknown): unknown {
    const answer = answerSchema.parse(value);
    const { continue: token, remainingItemCount } = answer.metadata;
    if (answer.kind === 'Status') {
      const message = String(answer['message']).replace(/current: \d+/, 'current: N');
      return { ...answer, message, metadata: { ...answer.metadata, continue: token && this.#token(token) } };
    }
    if (!answer.items) return answer.metadata.name;
    const names = answer.items.map((each) => each.metadata.name).filter((each) => objects.includes(each));
    const whole = names.length === answer.items.length;
    return { names, whole, token: token && this.#token(token), counted: remainingItemCount !== undefined };
  }

  #token(token: string): unknown {
    const parsed = z.looseObject({ rv: z.number() }).parse(JSON.parse(Buffer.from(token, 'base64url').toString()));
    const known = [...this.versions].find(([, version]) => version === parsed.rv);
    return {
      ...parsed,
      rv: parsed.rv < 0 ? parsed.rv : known === undefined || known[0] === objects.at(-1) ? 'now' : known[0],
    };
  }
}

const path = (query: string) =>
  `/api/v1/namespaces/${namespace}/configmaps${query.startsWith('/') ? query : query === '' ? '' : `?${query}`}`;
const encode = (token: unknown) =>
  Buffer.from(typeof token === 'string' ? token : JSON.stringify(token)).toString('base64url');
const selected = 'labelSelector=n';
const initial = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';

const lists = [
  ...['', 'resourceVersion=0', 'resourceVersion=<c3>', 'resourceVersion=abc', 'resourceVersion=-1'],
  ...['resourceVersion=18446744073709551616', 'resourceVersion=99999999', 'limit=2&resourceVersion=99999999'],
  ...['resourceVersionMatch=Exact', 'resourceVersion=0&resourceVersionMatch=Exact', 'resourceVersionMatch=Foo'],
  ...['resourceVersion=<c3>&resourceVersionMatch=Foo', 'resourceVersion=<c3>&resourceVersionMatch=Exact'],
  ...['resourceVersion=99999999&resourceVersionMatch=Exact', 'sendInitialEvents=true', initial],
  ...['limit=2', 'limit=2&resourceVersion=0', 'limit=2&resourceVersion=<c4>', 'limit=-1', 'limit=abc'],
  'limit=2&resourceVersion=<c3>&resourceVersionMatch=NotOlderThan',
  'limit=2&resourceVersion=0&resourceVersionMatch=NotOlderThan',
  `limit=2&${selected}`,
  ...['limit=1&fieldSelector=metadata.name%3Dc3', 'limit=2&fieldSelector=metadata.name%21%3Dc1'],
  ...['fieldSelector=foo%3Dbar', 'fieldSelector=%3D', 'labelSelector=a%3D%3D%3Db', 'timeoutSeconds=abc'],
  ...['continue=<token c2 c4>', 'limit=1&continue=<token c2 c4>', 'limit=1&continue=<token c2 -1>'],
  ...[
    'limit=1&continue=<token c2 0>',
    'limit=1&continue=<token c2 99999999>',
    `limit=1&continue=<token c2 c4>&${selected}`,
  ],
  ...['continue=<token c2 c4>&resourceVersion=0', 'continue=<token c2 c4>&resourceVersion=5'],
  ...['continue=abc&resourceVersionMatch=Exact', 'continue=abc&resourceVersion=5&resourceVersionMatch=Exact'],
  ...['abc', 'a', '!!!', 'YQ%3D%3D', 'abc%3D%3D', '%FF'].map((each) => `continue=${each}`),
  ...['null', '[]', '"x"', '5', '{"v":', '{"v":5}', '{"v":"meta.k8s.io/v2"}', '{"v":"meta.k8s.io/v1","rv":1.5}', 'true']
    .concat(
      '{"v":"meta.k8s.io/v1","rv":"1"}',
      '{"v":"meta.k8s.io/v1","rv":5}',
      '{"v":"meta.k8s.io/v1","rv":5,"start":5}',
    )
    .concat('{"v":"meta.k8s.io/v1","rv":5,"start":"/../x"}', '{"v":"meta.k8s.io/v1","rv":5,"start":"a/.."}')
    .map((each) => `continue=${encode(each)}`),
  ...['/c1', '/c1?resourceVersion=0', '/c1?resourceVersion=<c5>', '/c1?resourceVersion=abc', '/none?resourceVersion=0'],
  '/c1?resourceVersion=99999999',
];

const watches = [
  ...['', 'resourceVersion=0', 'resourceVersion=<c3>', 'resourceVersion=abc', 'resourceVersion=99999999'],
  ...[initial, `${initial}&resourceVersion=0`, `${initial}&resourceVersion=<c3>`, 'sendInitialEvents=true'],
  ...['sendInitialEvents=false', 'resourceVersionMatch=NotOlderThan', 'continue=abc'],
  'sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=5',
  'sendInitialEvents=false&resourceVersionMatch=NotOlderThan',
  'sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=<c3>',
  ...['fieldSelector=metadata.name%3Dc2', 'labelSelector=n%3Dc3', 'labelSelector=x'],
];

/** Opt-in: KEELSON_TEST_KUBECONFIG names a real API server of the version that this one follows. */
describe.runIf(kubeconfig)('reads beside a real API server', () => {
  let server: TestApiServer;
  let real: Side;
  let own: Side;
  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
    const { pki, listening } = server;
    real = new Side(await loadKubeconfig(kubeconfig));
    own = new Side({ server: listening?.url ?? '', ca: pki?.ca, cert: pki?.admin.certificate, key: pki?.admin.key });
    await Promise.all([real.prepare(), own.prepare()]);
  });
  afterAll(async () => {
    await real?.send('DELETE', `/api/v1/namespaces/${namespace}`);
    await server?.stop();
  });

  it.concurrent.each(lists)('GET %s', async (query) => {
    const [expected, found] = await Promise.all([real.ask(query), own.ask(query)]);
    expect(withoutRoot(found)).toEqual(withoutRoot(expected));
  });

  it.concurrent.each(watches)('WATCH %s', async (query) => {
    const watch = `watch=1&timeoutSeconds=${query.includes('99999999') ? 5 : 1}&${query}`;
    for (const more of ['', '&allowWatchBookmarks=true']) {
      const [expected, found] = await Promise.all([real.ask(watch + more), own.ask(watch + more)]);
      expect(withoutRoot(found)).toEqual(withoutRoot(expected));
    }
  });
});

/** The real one's controllers put one more object into each namespace, at some time. */
function withoutRoot(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  return answer
    .filter((each) => !(Array.isArray(each) && each[1] === 'kube-root-ca.crt'))
    .map((each: unknown) => {
      const list = z.looseObject({ whole: z.boolean() }).safeParse(each);
      return list.success ? { ...list.data, whole: undefined } : each;
    });
}
