import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import {
  ConfigMap,
  Deployment,
  Event,
  EventsV1Event,
  type KubernetesObject,
  Node,
  Pod,
  ReplicaSet,
  type ResourceType,
} from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { createLogger } from '../host/index.ts';
import { InformerFactory } from '../informer/index.ts';
import { ownerReferenceTo, StatusError } from '../machinery/index.ts';
import { FakeClock, settle } from '../testing/index.ts';
import {
  addFinalizer,
  allOf,
  type Controller,
  ControllerManager,
  createEventRecorder,
  hasFinalizer,
  not,
  removeFinalizer,
  TerminalError,
  type Watch,
  watch,
} from './index.ts';

function setup() {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', write: (line) => lines.push(line), clock });
  const informers = new InformerFactory({ client, clock, random: () => 0.5, logger });
  const put = (name: string) => client.create(ConfigMap, { metadata: { name, namespace: 'default' } });
  const run = (controller: Omit<Controller, 'name'>, reconcileTimeoutMs?: number) => {
    const controllers = [{ name: 'test', ...controller }];
    const options = reconcileTimeoutMs ? { reconcileTimeoutMs } : {};
    const manager = new ControllerManager({ controllers, clock, random: () => 0.5, logger, ...options });
    manager.start();
    return manager;
  };
  const now = AbortSignal.abort(new Error('stop now'));
  return { api, clock, client, informers, lines, logger, put, run, now };
}

const collect = (source: Watch) => {
  const keys: string[] = [];
  source.triggers$.subscribe(({ key }) => keys.push(key));
  return keys;
};

describe('watch', () => {
  it('gives a late subscriber the keys of what is there, then those of every event', async () => {
    const { informers, put, client } = setup();
    await put('a');
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    const all = collect(watch(informer).self());
    const some = collect(
      watch(informer)
        .filter((each) => each.data?.['on'] === 'yes')
        .self(),
    );
    expect(all).toEqual(['default/a']);
    await settle();
    await put('b');
    await client.patch(ConfigMap, { name: 'b', namespace: 'default' }, { merge: { data: { on: 'yes' } } });
    await client.delete(ConfigMap, { name: 'a', namespace: 'default' });
    await settle();
    expect(all).toEqual(['default/a', 'default/b', 'default/b', 'default/a']);
    expect(some).toEqual(['default/b']);
    await informers.stop();
  });

  it('maps to the controller of the right kind and group, on a change of owner to both', async () => {
    const { informers, client } = setup();
    const owner = (name: string, type: ResourceType = ReplicaSet) =>
      ownerReferenceTo({ metadata: { name, uid: `u-${name}` } }, type);
    const informer = informers.for(Pod);
    const keys = collect(watch(informer).owner(ReplicaSet));
    const nodes = collect(watch(informer).owner(Node));
    const pod = (name: string, ...ownerReferences: ReturnType<typeof owner>[]) =>
      client.create(Pod, { metadata: { name, namespace: 'ns', ownerReferences }, spec: { containers: [] } });
    await pod('orphan');
    await pod('other', owner('x', Deployment));
    await pod('foreign', { ...owner('x'), apiVersion: 'example.com/v1' });
    await pod('loose', { ...owner('x'), controller: false });
    await pod('static', { ...owner('n'), apiVersion: 'v1', kind: 'Node' });
    await pod('mine', owner('rs'));
    await informer.waitForSync();
    await settle();
    expect(keys).toEqual(['ns/rs']);
    expect(nodes).toEqual(['n']);
    await client.patch(
      Pod,
      { name: 'mine', namespace: 'ns' },
      { merge: { metadata: { ownerReferences: [owner('rs2')] } } },
    );
    await settle();
    expect(keys).toEqual(['ns/rs', 'ns/rs2', 'ns/rs']);
    await informers.stop();
  });

  it('asks a mapping for the previous state as well', async () => {
    const { informers, client } = setup();
    const informer = informers.for(Pod);
    const keys = collect(
      watch(informer).map((pod, { type }) => (pod.spec.nodeName ? [`${type} ${pod.spec.nodeName}`] : [])),
    );
    await client.create(Pod, { metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [], nodeName: 'n1' } });
    await informer.waitForSync();
    await settle();
    await client.patch(Pod, { name: 'p', namespace: 'ns' }, { merge: { spec: { nodeName: 'n2' } } });
    await settle();
    expect(keys).toEqual(['added n1', 'updated n2', 'updated n1']);
    await informers.stop();
  });
});

describe('ControllerManager', () => {
  it('reconciles what is there once everything has synced, and then every change', async () => {
    const { api, clock, informers, put, run, now } = setup();
    await put('a');
    let blocked = true;
    api.fault = ({ resource }) => {
      if (resource === 'nodes' && blocked) throw new Error('away');
    };
    const seen: string[] = [];
    const configMaps = informers.for(ConfigMap);
    const watches = [watch(configMaps).self(), watch(informers.for(Node)).map(() => [])];
    const manager = run({ watches, reconcile: async (key) => void seen.push(key) });
    await clock.advance(100);
    expect(seen).toEqual([]);
    expect(manager.metrics['test']?.synced).toBe(false);
    blocked = false;
    await clock.advance(5_000);
    expect(seen).toEqual(['default/a']);
    await put('b');
    await settle();
    expect(seen).toEqual(['default/a', 'default/b']);
    expect(manager.metrics['test']).toMatchObject({ synced: true, reconciles: 2, errors: 0 });
    await manager.stop(now);
    await informers.stop();
  });

  it('works on several keys at once, but never twice on one', async () => {
    const { clock, client, informers, put, run, now } = setup();
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(put));
    const busy = new Set<string>();
    let most = 0;
    let runs = 0;
    const manager = run({
      concurrency: 3,
      watches: [watch(informers.for(ConfigMap)).self()],
      async reconcile(key, { signal }) {
        expect(busy.has(key)).toBe(false);
        busy.add(key);
        most = Math.max(most, busy.size);
        runs += 1;
        await clock.sleep(100, signal);
        busy.delete(key);
      },
    });
    await clock.advance(50);
    await client.patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data: { x: '1' } } });
    await clock.advance(1_000);
    expect(most).toBe(3);
    expect(runs).toBe(6);
    await manager.stop(now);
    await informers.stop();
  });

  it('tries again with back-off after an error, logs it with controller and key, and starts anew after a success', async () => {
    const { clock, informers, put, run, lines, now } = setup();
    await put('a');
    const at: number[] = [];
    const manager = run({
      watches: [watch(informers.for(ConfigMap)).self()],
      reconcile: async () => {
        at.push(clock.now());
        if (at.length <= 4) throw new Error('not yet');
        if (at.length === 5) throw StatusError.conflict({ group: '', resource: 'configmaps' }, 'a');
      },
    });
    await clock.advance(60_000);
    expect(at.slice(1).map((each, index) => each - at[index]!)).toEqual([3.75, 7.5, 15, 30, 60]);
    // The conflict is ordinary and not logged as an error.
    expect(lines.filter((line) => line.includes('reconcile failed')).length).toBe(4);
    expect(lines[0]).toMatch(/error test: reconcile failed key=default\/a failures=1 error=Error: not yet/);
    expect(manager.metrics['test']).toMatchObject({ reconciles: 6, errors: 5, queue: { retries: 5 } });
    await manager.stop(now);
    await informers.stop();
  });

  it('comes back after requeueAfter', async () => {
    const { client, clock, informers, put, run, now } = setup();
    const a = await put('a');
    let runs = 0;
    const manager = run({
      watches: [watch(informers.for(ConfigMap)).self()],
      reconcile: async () => {
        runs += 1;
        return { requeueAfter: 1_000 };
      },
    });
    await clock.advance(3_500);
    expect(runs).toBe(4);
    // What comes before its time is the event's doing, and the time comes all the same.
    await client.update(ConfigMap, { ...a, data: { text: 'new' } });
    await clock.advance(600);
    expect(manager.traces.list().map(({ causes }) => causes.map(({ type }) => type))).toEqual([
      ['added'],
      ['requeueAfter'],
      ['requeueAfter'],
      ['requeueAfter'],
      ['updated'],
      ['requeueAfter'],
    ]);
    await manager.stop(now);
    await informers.stop();
  });

  it('aborts a reconcile that takes too long, and tries again', async () => {
    const { clock, informers, put, run, lines, now } = setup();
    await put('a');
    let runs = 0;
    const manager = run(
      {
        watches: [watch(informers.for(ConfigMap)).self()],
        async reconcile(_, { signal }) {
          runs += 1;
          if (runs === 1) await clock.sleep(600_000, signal);
        },
      },
      2_000,
    );
    await clock.advance(3_000);
    expect(runs).toBe(2);
    expect(manager.metrics['test']?.timeouts).toBe(1);
    expect(lines.join()).toContain('the reconcile did not end within 2000 ms');
    await manager.stop(now);
    await informers.stop();
  });

  it('lets reconciles finish at a stop, and aborts them when their time is up', async () => {
    const { clock, informers, put, run } = setup();
    await Promise.all(['a', 'b'].map(put));
    const ends: string[] = [];
    const manager = run({
      concurrency: 2,
      watches: [watch(informers.for(ConfigMap)).self()],
      async reconcile(key, { signal }) {
        try {
          await clock.sleep(key === 'default/a' ? 1_000 : 100_000, signal);
          ends.push(`${key} done`);
        } catch (error) {
          ends.push(`${key} aborted`);
          throw error;
        }
      },
    });
    await clock.advance(10);
    const drain = new AbortController();
    clock.after(5_000, () => drain.abort(new Error('time is up')));
    const stopped = manager.stop(drain.signal);
    await clock.advance(5_000);
    await stopped;
    expect(ends).toEqual(['default/a done', 'default/b aborted']);
    await informers.stop();
  });

  it('lets a reconcile that does not heed its signal send nothing any more', async () => {
    const { clock, client, informers, put, run, now } = setup();
    await put('a');
    const outcomes: string[] = [];
    const manager = run(
      {
        watches: [watch(informers.for(ConfigMap)).self()],
        async reconcile(_, { track }) {
          if (outcomes.length > 0) return;
          await clock.sleep(10_000);
          const own = track(client);
          const ref = { metadata: { name: 'late', namespace: 'default' } };
          const sent = [own.create(ConfigMap, ref), own.get(ConfigMap, ref.metadata), own.deleteCollection(ConfigMap)];
          for (const each of await Promise.allSettled<unknown>(sent)) {
            outcomes.push(each.status === 'rejected' ? String(each.reason) : 'sent');
          }
        },
      },
      2_000,
    );
    await clock.advance(20_000);
    expect(outcomes).toEqual(Array(3).fill('Error: the reconcile did not end within 2000 ms'));
    expect((await client.list(ConfigMap)).items.map(({ metadata }) => metadata.name)).toEqual(['a']);
    await manager.stop(now);
    await informers.stop();
  });

  it('takes up a watch again whose mapping threw', async () => {
    const { clock, informers, put, run, lines, now } = setup();
    const seen: string[] = [];
    let broken = true;
    const informer = informers.for(ConfigMap);
    const manager = run({
      watches: [
        watch(informer).map((object) => {
          if (broken) throw new Error('bad mapping');
          return [object.metadata.name];
        }),
      ],
      reconcile: async (key) => void seen.push(key),
    });
    await informer.waitForSync();
    await settle();
    await put('a');
    await clock.advance(100);
    expect(lines.join()).toContain('a watch failed and is taken up again');
    broken = false;
    await clock.advance(60_000);
    expect(seen).toEqual(['a']);
    await put('b');
    await settle();
    expect(seen).toEqual(['a', 'b']);
    await manager.stop(now);
    await informers.stop();
  });

  it('does not reconcile a key before the caches have seen what its last reconcile wrote', async () => {
    const { api, client, clock, informers, put, run, now, lines } = setup();
    await put('a');
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    const seen: (string | undefined)[] = [];
    const manager = run({
      watches: [watch(informer).self()],
      async reconcile(key, context) {
        const known = informer.lister.get(key);
        seen.push(known?.data?.['n']);
        const n = Number(known?.data?.['n'] ?? 0);
        if (n >= 3) return undefined;
        // The cache is held back until long after the answer.
        api.hold();
        await context
          .track(client)
          .patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data: { n: `${n + 1}` } } });
        return { requeueAfter: 1 };
      },
    });
    for (let each = 0; each < 4; each += 1) {
      await clock.advance(12_000);
      api.release();
      await clock.advance(1);
    }
    expect(seen.slice(0, 4)).toEqual([undefined, '1', '2', '3']);
    expect(seen.slice(4).every((each) => each === '3')).toBe(true);
    expect(lines.some((line) => line.includes('waits for the caches to see what the last one wrote'))).toBe(true);
    const traces = manager.traces.list({ key: 'default/a' });
    expect(traces.map((each) => each.outcome).slice(0, 2)).toEqual(['requeueAfter', 'requeueAfter']);
    expect(traces.some((each) => each.caughtUpMs >= 10_000)).toBe(true);
    await manager.stop(now);
    await informers.stop();
  });

  it('does not run again for its own quiet writes, but for those of others and for what a list brought', async () => {
    const { api, client, clock, informers, put, run, now } = setup();
    await put('a');
    const informer = informers.for(ConfigMap);
    await informer.waitForSync();
    const ref = { name: 'a', namespace: 'default' };
    const patch = (by: typeof client, data: Record<string, string>) => by.patch(ConfigMap, ref, { merge: { data } });
    let runs = 0;
    let during: () => Promise<unknown> = async () => undefined;
    const manager = run({
      watches: [watch(informer).self()],
      async reconcile(_, context) {
        runs += 1;
        await during();
        await patch(context.track(client, { quiet: true }), { mine: String(runs) });
      },
    });
    await clock.advance(1_000);
    expect(runs).toBe(1);
    await patch(client, { theirs: '1' });
    await clock.advance(1_000);
    expect(runs).toBe(2);
    // Somebody else writes while it runs, before it does: that is not its own.
    let once = true;
    during = async () => {
      if (once) await patch(client, { theirs: '3' });
      once = false;
    };
    await patch(client, { theirs: '2' });
    await clock.advance(1_000);
    expect(runs).toBe(4);
    // What happened while nobody watched cannot be told apart: better once too often.
    during = async () => {
      api.hold();
      api.endWatches(StatusError.expired('too old'));
      during = async () => undefined;
    };
    await patch(client, { theirs: '4' });
    await clock.advance(60_000);
    api.release();
    await clock.advance(60_000);
    expect(runs).toBe(6);
    const [first] = manager.traces.list();
    expect(first).toMatchObject({
      controller: 'test',
      key: 'default/a',
      priority: 'low',
      outcome: 'success',
      causes: [{ type: 'added', watch: 'ConfigMap', kind: 'ConfigMap', object: 'default/a', resourceVersion: '2' }],
      writes: [{ verb: 'patch', kind: 'ConfigMap', key: 'default/a', resourceVersion: '3' }],
    });
    await manager.stop(now);
    await informers.stop();
  });

  it('leaves a key alone that failed for good, until something happens to it', async () => {
    const { client, clock, informers, put, run, now } = setup();
    await put('a');
    let runs = 0;
    const manager = run({
      watches: [watch(informers.for(ConfigMap)).self()],
      async reconcile() {
        runs += 1;
        throw new TerminalError('this can never work');
      },
    });
    await clock.advance(3_600_000);
    expect(runs).toBe(1);
    await client.patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data: { x: '1' } } });
    await clock.advance(1_000);
    expect(runs).toBe(2);
    expect(manager.metrics['test']).toMatchObject({ errors: 2, terminalErrors: 2, queue: { retries: 0 } });
    await manager.stop(now);
    await informers.stop();
  });

  it('reconciles those that refer to what changed, by an index', async () => {
    const { client, clock, informers, run, now } = setup();
    const create = (name: string, uses: string) =>
      client.create(Pod, { metadata: { name, namespace: 'ns', labels: { uses } }, spec: { containers: [] } });
    await Promise.all([create('p1', 'one'), create('p2', 'two'), create('p3', 'one')]);
    const pods = informers.for(Pod);
    const seen: string[] = [];
    const uses = ({ metadata }: Pod) => [`ns/${metadata.labels?.['uses']}`];
    const manager = run({
      watches: [watch(informers.for(ConfigMap)).referencedBy(pods, uses), watch(pods).filter(not(allOf())).self()],
      reconcile: async (key) => void seen.push(key),
    });
    await clock.advance(1_000);
    await client.create(ConfigMap, { metadata: { name: 'one', namespace: 'ns' } });
    await clock.advance(1_000);
    expect(seen).toEqual(['ns/p1', 'ns/p3']);
    expect(manager.traces.list()[0]?.causes).toMatchObject([{ watch: 'ConfigMap → every Pod that refers to it' }]);
    await client.patch(Pod, { name: 'p3', namespace: 'ns' }, { merge: { metadata: { labels: { uses: 'two' } } } });
    await clock.advance(1_000);
    await client.patch(ConfigMap, { name: 'one', namespace: 'ns' }, { merge: { data: { x: '1' } } });
    await clock.advance(1_000);
    expect(seen.slice(2)).toEqual(['ns/p1']);
    await manager.stop(now);
    await informers.stop();
  });

  it('takes watches in and lets them go while it runs', async () => {
    const { client, clock, informers, put, run, now } = setup();
    const seen: string[] = [];
    const manager = run({ watches: [], reconcile: async (key) => void seen.push(key) });
    await put('a');
    const remove = manager.addWatch('test', watch(informers.for(ConfigMap)).self());
    await clock.advance(1_000);
    expect(seen).toEqual(['default/a']);
    remove();
    await client.patch(ConfigMap, { name: 'a', namespace: 'default' }, { merge: { data: { x: '1' } } });
    await clock.advance(1_000);
    expect(seen).toEqual(['default/a']);
    expect(() => manager.addWatch('nobody', watch(informers.for(ConfigMap)).self())).toThrow(
      'there is no controller "nobody"; there are test',
    );
    await manager.stop(now);
    await informers.stop();
  });

  it('works while it leads, and is ready when it does', async () => {
    const { api, clock, informers, logger, put, now } = setup();
    await put('a');
    const terms: { lead: (lost: AbortSignal) => void }[] = [];
    const leadership = {
      lead: (signal: AbortSignal) =>
        new Promise<AbortSignal>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
          terms.push({ lead: resolve });
        }),
    };
    const journal: string[] = [];
    const controller: Controller = {
      name: 'test',
      watches: [watch(informers.for(ConfigMap)).self()],
      async reconcile(key, { signal }) {
        try {
          await clock.sleep(1_000, signal);
          journal.push(`${key} done`);
        } catch (error) {
          journal.push(`${key} ${String(error)}`);
          throw error;
        }
      },
    };
    const manager = new ControllerManager({ controllers: [controller], clock, random: () => 0.5, logger, leadership });
    manager.start();
    await clock.advance(10_000);
    expect({ journal, metrics: manager.metrics['test'] }).toMatchObject({
      journal: [],
      metrics: { synced: true, leading: false, queue: { depth: 1 } },
    });
    const requests = api.requests.length;
    const lost = new AbortController();
    terms[0]?.lead(lost.signal);
    await clock.advance(500);
    expect(manager.metrics['test']?.leading).toBe(true);
    lost.abort(new Error('somebody else leads'));
    await clock.advance(5_000);
    expect(journal).toEqual(['default/a Error: somebody else leads']);
    expect(manager.metrics['test']).toMatchObject({ leading: false, errors: 0, queue: { depth: 1 } });
    terms[1]?.lead(new AbortController().signal);
    await clock.advance(1_000);
    expect(journal.at(-1)).toBe('default/a done');
    expect(api.requests.length).toBe(requests);
    await manager.stop(now);
    await informers.stop();
  });

  it('refuses two controllers of one name', () => {
    const { run, clock, logger } = setup();
    const one: Controller = { name: 'x', watches: [], reconcile: async () => undefined };
    expect(() => new ControllerManager({ controllers: [one, one], clock, random: Math.random, logger })).toThrow('"x"');
    expect(run).toBeDefined();
  });
});

describe('createEventRecorder', () => {
  const start = () => {
    const environment = setup();
    const { client, clock, logger } = environment;
    const recorder = createEventRecorder({
      client,
      clock,
      random: () => 0.5,
      logger,
      component: 'keelson',
      machine: 'vm',
    });
    const events = async () => (await client.list(Event)).items;
    const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '7' } };
    return { ...environment, recorder, events, pod };
  };

  it('writes an event about an object, and counts equal ones on it', async () => {
    const { recorder, clock, events, pod, api } = start();
    const scheduler = recorder.as('default-scheduler');
    scheduler.event(Pod, pod, 'Warning', 'FailedScheduling', 'no nodes');
    scheduler.event(Pod, pod, 'Warning', 'FailedScheduling', 'no nodes');
    await settle();
    await clock.advance(30_000);
    scheduler.event(
      Pod,
      { metadata: { ...pod.metadata, resourceVersion: '8' } },
      'Warning',
      'FailedScheduling',
      'no nodes',
    );
    scheduler.event(Pod, pod, 'Normal', 'Scheduled', 'assigned');
    await settle();
    const [first, second] = await events();
    expect(first).toMatchObject({
      metadata: { namespace: 'ns' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '7' },
      type: 'Warning',
      reason: 'FailedScheduling',
      message: 'no nodes',
      source: { component: 'default-scheduler' },
      reportingComponent: 'default-scheduler',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:30Z',
      count: 3,
    });
    expect(first?.metadata.name).toMatch(/^p\.[0-9a-f]{16}$/);
    expect(second).toMatchObject({ reason: 'Scheduled', count: 1 });
    expect(api.writes.map((each) => each.verb)).toEqual(['create', 'patch', 'create']);
  });

  it('goes on counting hours later, on another event when the old one is gone', async () => {
    const { recorder, clock, client, events, pod } = start();
    const record = async () => {
      recorder.event(Pod, pod, 'Normal', 'Pulled', 'image');
      await settle();
    };
    await record();
    await clock.advance(7_200_000);
    await record();
    const [event] = await events();
    expect(event).toMatchObject({ count: 2, firstTimestamp: '2026-01-01T00:00:00Z' });
    await client.delete(Event, event!.metadata);
    await record();
    const again = await events();
    expect(again.map(({ count, firstTimestamp }) => [count, firstTimestamp])).toEqual([[3, '2026-01-01T00:00:00Z']]);
    expect(again[0]?.metadata.name).not.toBe(event?.metadata.name);
  });

  it('combines similar events beyond the ninth message, and tells the last of them', async () => {
    const { recorder, events, pod } = start();
    for (let each = 1; each <= 14; each += 1) {
      recorder.event(Pod, pod, 'Warning', 'FailedCreate', `no. ${each}`);
      await settle();
    }
    const told = (await events()).map(({ message, count, reportingComponent }) => [message, count, reportingComponent]);
    expect(told).toEqual([
      ...Array.from({ length: 9 }, (_, at) => [`no. ${at + 1}`, 1, 'keelson']),
      ['(combined from similar events): no. 14', 5, ''],
    ]);
  });

  describe('with an action, in events.k8s.io', () => {
    const told = () => {
      const environment = start();
      const scheduler = environment.recorder.as('default-scheduler');
      const fail = async (note = 'no nodes', object: KubernetesObject = environment.pod) => {
        scheduler.event(Pod, object, 'Warning', 'FailedScheduling', note, { action: 'Scheduling' });
        await settle();
      };
      const series = async () =>
        (await environment.client.list(EventsV1Event)).items.map((each) => [each.note, each.series?.count ?? 1]);
      return { ...environment, scheduler, fail, series };
    };

    it('writes one as kube-scheduler does', async () => {
      const { client, fail, scheduler, pod } = told();
      await fail('x'.repeat(2_000));
      const victim = { metadata: { name: 'v', namespace: 'ns', uid: 'w' } };
      const options = { action: 'Preempting', related: { type: Pod, object: pod } };
      scheduler.event(Pod, victim, 'Normal', 'Preempted', 'by p', options);
      await settle();
      const [failed, preempted] = (await client.list(EventsV1Event)).items;
      const { metadata, ...rest } = failed!;
      expect(metadata.name).toMatch(/^p\.[0-9a-f]{16}$/);
      expect(rest).toEqual({
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'default-scheduler',
        reportingInstance: 'default-scheduler-vm',
        action: 'Scheduling',
        reason: 'FailedScheduling',
        regarding: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '7' },
        note: 'x'.repeat(1_024),
        type: 'Warning',
      });
      expect(preempted).toMatchObject({ regarding: { name: 'v' }, related: { name: 'p', uid: 'u' } });
    });

    it('makes a series of equal ones, and tells of it at once, every half an hour, and when it has ended', async () => {
      const { clock, client, api, fail, series } = told();
      await fail();
      for (const count of [2, 2, 2]) {
        await clock.advance(60_000);
        await fail('other words');
        expect(await series()).toEqual([['no nodes', count]]);
      }
      for (let each = 0; each < 10; each += 1) {
        await clock.advance(200_000);
        await fail();
      }
      expect((await series())[0]?.[1]).toBeGreaterThan(10);
      expect(api.writes.map(({ verb }) => verb)).toEqual(['create', 'patch', 'patch']);
      await clock.advance(721_000);
      expect(await series()).toEqual([['no nodes', 14]]);
      const [event] = (await client.list(EventsV1Event)).items;
      expect(event?.series?.lastObservedTime).toBe('2026-01-01T00:36:20.000000Z');
      // The next one begins anew.
      await fail();
      expect((await series()).map(([, count]) => count)).toEqual([14, 1]);
      await clock.advance(800_000);
      expect(clock.pending.timers).toBe(0);
    });

    it('tells what it has counted when it stops, and makes one anew that is gone', async () => {
      const { client, recorder, fail, series, pod } = told();
      await fail();
      await fail();
      const [event] = (await client.list(EventsV1Event)).items;
      await client.delete(EventsV1Event, event!.metadata);
      await fail();
      // It changed: that is another matter.
      await fail('no nodes', { metadata: { ...pod.metadata, resourceVersion: '8' } });
      await recorder.stop(new AbortController().signal);
      expect((await series()).map(([, count]) => count).toSorted()).toEqual([1, 3]);
    });
  });

  it('puts events about cluster-wide objects into default', async () => {
    const { recorder, events } = start();
    recorder.event(Node, { metadata: { name: 'n' } }, 'Normal', 'NodeReady', 'ready');
    await settle();
    expect((await events())[0]).toMatchObject({
      metadata: { namespace: 'default' },
      involvedObject: { kind: 'Node', name: 'n' },
    });
  });

  it('tries again while the API is away, drops what is refused, and never throws', async () => {
    const { recorder, api, clock, events, pod, lines } = start();
    let failures = 2;
    api.fault = ({ verb }) => {
      if (verb === 'create' && failures-- > 0) throw new Error('connection refused');
    };
    recorder.event(Pod, pod, 'Normal', 'A', 'a');
    await clock.advance(10_000);
    expect((await events()).map((each) => each.reason)).toEqual(['A']);
    api.fault = ({ verb }) => {
      if (verb === 'create')
        throw StatusError.forbidden({ group: '', resource: 'events' }, '', 'because it is being terminated');
    };
    recorder.event(Pod, pod, 'Normal', 'B', 'b');
    await clock.advance(10_000);
    expect((await events()).map((each) => each.reason)).toEqual(['A']);
    expect(lines).toEqual([]);
  });

  it('keeps a bounded queue, and ends when told', async () => {
    const { recorder, api, clock, lines } = start();
    api.fault = () => {
      throw new Error('away');
    };
    for (let each = 0; each < 1_500; each += 1)
      recorder.event(Pod, { metadata: { name: `p${each}` } }, 'Normal', 'X', 'x');
    await clock.advance(100);
    expect(lines.filter((line) => line.includes('events come faster')).length).toBe(1);
    await recorder.stop(AbortSignal.abort(new Error('enough')));
    const asked = api.requests.length;
    recorder.event(Pod, { metadata: { name: 'late' } }, 'Normal', 'X', 'x');
    await clock.advance(60_000);
    expect(api.requests.length).toBe(asked);
  });
});

describe('finalizers', () => {
  it('are added and removed only over the version that was read', async () => {
    const { client, put } = setup();
    const read = await put('a');
    const held = await addFinalizer(client, ConfigMap, read, 'example.com/x');
    expect(hasFinalizer(held, 'example.com/x')).toBe(true);
    expect(await addFinalizer(client, ConfigMap, held, 'example.com/x')).toBe(held);
    await expect(addFinalizer(client, ConfigMap, read, 'example.com/y')).rejects.toMatchObject({ reason: 'Conflict' });
    await client.delete(ConfigMap, held.metadata);
    const doomed = await client.get(ConfigMap, held.metadata);
    expect(doomed.metadata.deletionTimestamp).toBeDefined();
    await removeFinalizer(client, ConfigMap, doomed, 'example.com/x');
    await expect(client.get(ConfigMap, held.metadata)).rejects.toMatchObject({ reason: 'NotFound' });
    expect(await removeFinalizer(client, ConfigMap, doomed, 'example.com/x')).toBeUndefined();
  });
});
