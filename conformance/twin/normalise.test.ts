import { describe, expect, it } from 'vitest';
import { namesFor, type Observation, type Run, type TwinCase } from './case.ts';
import { diffAnswers } from './diff.ts';
import { isObject, type Json } from './json.ts';
import { normalise } from './normalise.ts';
import { pathsOf, removeAt } from './shrink.ts';

const names = namesFor(5);
const twinCase = (sent: Json = {}): TwinCase => ({
  kind: 'pods/v1',
  scenario: 'minimal',
  namespaced: true,
  steps: [{ method: 'POST', path: '/x', json: sent }],
});
const startedAt = Date.parse('2026-01-01T00:00:10Z');
const answer = (body: Json, headers: Observation['headers'] = { 'content-type': 'application/json' }): Observation => ({
  status: 200,
  headers,
  body: Buffer.from(JSON.stringify(body)),
  at: startedAt + 1000,
});
const run = (...observations: Observation[]): Run => ({
  observations,
  startedAt,
  waits: [],
  host: '127.0.0.1:1',
  start: { since: startedAt - 60_000, version: 0 },
});
const object = (version: number, more: Record<string, Json> = {}) => ({
  metadata: { uid: `aaaaaaaa-bbbb-4ccc-8ddd-00000000000${version % 10}`, resourceVersion: String(version), ...more },
});
const bodies = (played: Run, sent?: Json) => normalise(twinCase(sent), names, played).map(({ body }) => body);

describe('versions', () => {
  it('become their place in the order, whatever the numbers', () => {
    const ours = bodies(run(answer(object(7)), answer(object(9)), answer(object(7))));
    const theirs = bodies(run(answer(object(1007)), answer(object(1009)), answer(object(1007))));
    expect(ours).toEqual(theirs);
    expect(ours).not.toEqual(bodies(run(answer(object(9)), answer(object(7)), answer(object(9)))));
  });

  it('show a write that took no version of its own', () =>
    expect(bodies(run(answer(object(7)), answer(object(7))))).not.toEqual(
      bodies(run(answer(object(7)), answer(object(8)))),
    ));

  it('of a list say only which objects it may have seen', () => {
    const list = (version: number) => answer({ items: [], metadata: { resourceVersion: String(version) } });
    expect(bodies(run(answer(object(7)), list(7)))).toEqual(bodies(run(answer(object(7)), list(90))));
    expect(bodies(run(answer(object(7)), list(6)))).not.toEqual(bodies(run(answer(object(7)), list(7))));
  });

  it('stay as they are where they are no versions', () =>
    expect(bodies(run(answer({ metadata: { resourceVersion: '0' } })))).toEqual([
      { metadata: { resourceVersion: '0' } },
    ]));
});

describe('times', () => {
  const at = (creationTimestamp: string) => bodies(run(answer(object(1, { creationTimestamp }))));
  it('of now are alike, in their shape', () => {
    expect(at('2026-01-01T00:00:10Z')).toEqual(at('2026-01-01T00:00:11Z'));
    expect(at('2026-01-01T00:00:10Z')).not.toEqual(at('2026-01-01T00:00:10.000000Z'));
  });
  it('of another day, or of a day that was sent, stay as they are', () => {
    expect(at('2020-01-01T00:00:00Z')).not.toEqual(at('2020-01-02T00:00:00Z'));
    const sent = '2026-01-01T00:00:10Z';
    expect(bodies(run(answer(object(1, { creationTimestamp: sent }))), sent)).not.toEqual(at(sent));
  });
  it('in the future say how far', () => expect(JSON.stringify(at('2026-01-01T00:00:41Z'))).toContain('<now+30s:s>'));
  it('of creation may not change', () => {
    const made = (second: number) => answer(object(1, { creationTimestamp: `2026-01-01T00:00:1${second}Z` }));
    expect(bodies(run(made(0), made(0)))).not.toEqual(bodies(run(made(0), made(1))));
  });
});

it('uids are told apart, and those that were sent stay', () => {
  const uid = (last: string) => `aaaaaaaa-bbbb-4ccc-8ddd-00000000000${last}`;
  expect(bodies(run(answer([uid('1'), uid('2'), uid('1')])))).toEqual([['<uid:1>', '<uid:2>', '<uid:1>']]);
  expect(bodies(run(answer([uid('1')])), uid('1'))).toEqual([[uid('1')]]);
});

it('generated names keep their prefix and must look like what the server makes', () => {
  const sent = { metadata: { generateName: 'g-' } };
  const made = (name: string) => bodies(run(answer({ metadata: { generateName: 'g-', name } })), sent);
  expect(made('g-bcdfg')).toEqual(made('g-24589'));
  expect(made('g-aeiou')).not.toEqual(made('g-24589'));
});

it('node ports out of the range are no node ports', () => {
  const port = (nodePort: number) => bodies(run(answer({ nodePort })));
  expect(port(30001)).toEqual(port(32000));
  expect(port(29999)).not.toEqual(port(30001));
});

it('keeps Warning headers apart and drops what no client reads', () => {
  const headers = { 'content-type': 'application/json', date: 'x', warning: '299 - "a, \\"b\\"", 299 - "c"' };
  expect(normalise(twinCase(), names, run(answer({}, headers)))[0]?.headers).toEqual({
    'content-type': 'application/json',
    '(layout)': 'one line',
    warning: ['299 - "a, \\"b\\""', '299 - "c"'],
  });
});

it('reads a watch line by line and leaves out bookmarks that come when they like', () => {
  const event = (type: string, metadata: Json) => JSON.stringify({ type, object: { metadata } });
  const text = [
    event('ADDED', { name: 'a' }),
    event('BOOKMARK', {}),
    event('BOOKMARK', { annotations: { x: 'y' } }),
  ].join('\n');
  const seen: Observation = { ...answer(null), body: Buffer.from(`${text}\n`) };
  expect(bodies(run(seen))).toEqual([
    [
      { type: 'ADDED', object: { metadata: { name: 'a' } } },
      { type: 'BOOKMARK', object: { metadata: { annotations: { x: 'y' } } } },
    ],
  ]);
});

it('is not fooled: whatever is taken away or changed in an answer shows', () => {
  const seen: Json = {
    kind: 'Pod',
    metadata: {
      ...object(7).metadata,
      name: 'n',
      creationTimestamp: '2026-01-01T00:00:10Z',
      managedFields: [{ manager: 'm', operation: 'Update', time: '2026-01-01T00:00:10Z', fieldsV1: { 'f:x': {} } }],
    },
    spec: {
      clusterIP: '10.96.3.4',
      ports: [{ port: 80, nodePort: 30001 }],
      list: ['a', 'b'],
      flag: false,
      nothing: null,
      empty: {},
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Other', status: 'False' },
      ],
    },
  };
  const of = (body: Json) => normalise(twinCase(), names, run(answer(body)))[0]!;
  const differs = (body: Json) => diffAnswers(0, of(seen), of(body)).length > 0;
  expect(differs(seen)).toBe(false);
  for (const path of pathsOf(seen)) {
    const at = path.join('.');
    expect(differs(removeAt(seen, path)), `${at} taken away`).toBe(true);
    // What a server makes up by itself may differ from the other's.
    if (/uid|resourceVersion|[tT]imes?(tamp)?$|clusterIP|nodePort/.test(at)) continue;
    expect(differs(replaced(seen, path, 'changed')), `${at} changed`).toBe(true);
  }
});

function replaced(value: Json, [key, ...rest]: readonly (string | number)[], by: Json): Json {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((each, index) => (index === key ? replaced(each, rest, by) : each));
  return isObject(value) ? { ...value, [key]: replaced(value[String(key)] ?? null, rest, by) } : value;
}

describe('what others made', () => {
  const other = object(8, { name: `${namesFor(7).id}-a` });
  const mine = object(9, { name: `${names.id}-a` });
  const list = answer({ items: [other, mine, object(3, { name: 'kube-system' })] });
  const asked = (path: string): TwinCase => ({ ...twinCase(), steps: [{ method: 'GET', path }] });
  const count = (path: string) => {
    const [seen] = normalise(asked(path), names, run(list), (number) => number === 7);
    return isObject(seen?.body) && Array.isArray(seen.body['items']) ? seen.body['items'].length : 0;
  };
  it('is left out of a list of all', () => expect(count('/api/v1/namespaces')).toBe(2));
  it('may not be in a list of what is the case’s own', () => expect(count('/api/v1/namespaces/{{ns}}/pods')).toBe(3));
  it('is left out of a watch, which may stay empty', () => {
    const watch = {
      ...asked('/api/v1/nodes'),
      steps: [{ method: 'GET', path: '/api/v1/nodes', watch: true } as const],
    };
    const of = (text: string) =>
      normalise(watch, names, run({ ...list, body: Buffer.from(text) }), (number) => number === 7).map(
        ({ body }) => body,
      );
    expect(of(`${JSON.stringify({ type: 'ADDED', object: other })}\n`)).toEqual(of(''));
    expect(of(`${JSON.stringify({ type: 'ADDED', object: mine })}\n`)).not.toEqual(of(''));
  });
});

it('what is older than all cases has a version and times of its start', () => {
  const started = (version: number, creationTimestamp: string) => {
    const played = run(answer(object(version, { creationTimestamp })), answer(object(99)));
    return normalise(twinCase(), names, { ...played, start: { since: startedAt - 60_000, version: 50 } }).map(
      ({ body }) => body,
    );
  };
  expect(started(7, '2026-01-01T00:00:01Z')).toEqual(started(50, '2026-01-01T00:00:04Z'));
  expect(started(7, '2026-01-01T00:00:01Z')).not.toEqual(started(51, '2026-01-01T00:00:01Z'));
});

it('tokens say what they say, not when they were given out', () => {
  const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (iat: number, seconds: number, sub = 'a') =>
    bodies(
      run(
        answer({
          status: { token: `${part({ alg: 'RS256', kid: `k${iat}` })}.${part({ iat, exp: iat + seconds, sub })}.c2ln` },
        }),
      ),
    );
  expect(token(1_770_000_000, 600)).toEqual(token(1_770_000_500, 600));
  expect(token(1_770_000_000, 600)).not.toEqual(token(1_770_000_000, 601));
  expect(token(1_770_000_000, 600)).not.toEqual(token(1_770_000_000, 600, 'b'));
});

describe('addresses of Services', () => {
  const refused = (address: string) =>
    answer({
      message: `Invalid value: [""]: failed to allocate IP: IPAddress.networking.k8s.io "${address}" is invalid: x`,
    });

  it('may be known only by the record that was refused', () => {
    expect(bodies(run(refused('10.96.1.2')))).toEqual(bodies(run(refused('10.96.3.4'))));
    expect(bodies(run(refused('10.97.1.2')))).not.toEqual(bodies(run(refused('10.96.3.4'))));
  });

  it('stay as they are where they were asked for', () =>
    expect(bodies(run(refused('10.96.1.2')), { clusterIP: '10.96.1.2' })).toEqual([
      { message: expect.stringContaining('10.96.1.2') },
    ]));
});
