import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Secret } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { InformerFactory } from '../informer/index.ts';
import { StatusError } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { FakeClock, silentLogger, waitFor } from '../testing/index.ts';
import { type RecordedCache, Recorder, type RecordingLine, type RecordSettings, readRecording } from './index.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-recorder-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function open(settings: Partial<RecordSettings> = {}, logger: Logger = silentLogger) {
  const clock = new FakeClock();
  const random = () => 0.5;
  const recorder = new Recorder({
    directory,
    operator: 'shop',
    elects: false,
    clock,
    random,
    logger,
    ...settings,
  });
  const api = new ModelApi();
  const client = createClient(recorder.transport(api));
  const informers = new InformerFactory({ client, clock, random, logger: silentLogger });
  const stop = async () => {
    await recorder.stop(new AbortController().signal);
    await informers.stop();
  };
  return { api, client, clock, informers, recorder, stop, caches: (): readonly RecordedCache[] => informers.list() };
}

const named = (name: string) => ({ name, namespace: 'default' });
const only = <K extends RecordingLine['is']>(lines: readonly RecordingLine[], is: K) =>
  lines.filter((each): each is Extract<RecordingLine, { readonly is: K }> => each.is === is);

describe('Recorder', () => {
  it('writes what is seen and done, for its owner alone', async () => {
    const { client, informers, recorder, api, stop, caches } = open();
    await recorder.start(caches);
    await client.create(ConfigMap, { metadata: named('a'), data: { size: '1' } });
    await informers.for(ConfigMap).waitForSync();
    api.fault = ({ verb, resource }) => {
      if (verb === 'update') throw StatusError.conflict({ group: '', resource }, 'a');
    };
    await expect(client.update(ConfigMap, { metadata: named('a'), data: {} })).rejects.toThrow('has been modified');
    await expect(client.get(ConfigMap, named('b'))).rejects.toThrow('not found');
    await stop();

    const [file = '', ...others] = await readdir(directory);
    expect(others).toEqual([]);
    expect(file).toBe('shop-20260101T000000Z-i00000-00001.jsonl');
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    const { operator, lines } = await readRecording(directory);
    expect(operator).toBe('shop');
    expect(lines.map(({ is }) => is)).toEqual([
      'recording',
      // Nobody watches it yet.
      'seen',
      'request',
      'watch',
      'seen',
      'watch-listed',
      'request',
      'request',
      'stopped',
    ]);
    expect(only(lines, 'seen').map(({ how, object }) => [how, object.metadata.name])).toEqual([
      ['written', 'a'],
      ['listed', 'a'],
    ]);
    expect(
      only(lines, 'request').map(({ verb, resourceVersion, error }) => [verb, resourceVersion, error?.reason]),
    ).toEqual([
      ['create', '2', undefined],
      ['update', undefined, 'Conflict'],
      ['get', undefined, 'NotFound'],
    ]);
    expect(only(lines, 'request')[0]?.body).toMatchObject({ kind: 'ConfigMap', data: { size: '1' } });
  });

  it('does not tell values of Secrets, and of fields that are named', async () => {
    const { client, recorder, api, stop, caches } = open({ redact: { configmaps: ['data.token', 'binaryData.*'] } });
    await recorder.start(caches);
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"pin":"c2VjcmV0"}}', a: 'b' };
    await client.create(Secret, { metadata: { ...named('s'), annotations }, data: { pin: 'c2VjcmV0' } });
    // The model knows no such patches; that it was asked is recorded all the same.
    const json = [{ op: 'replace', path: '/data/pin', value: 'c2VjcmV0' }];
    await expect(client.patch(Secret, named('s'), { json })).rejects.toThrow('not an object');
    await client.patch(Secret, named('s'), { merge: { stringData: { pin: 'secret' } } });
    await client.create(ConfigMap, {
      metadata: named('c'),
      data: { token: 'secret', plain: 'told' },
      binaryData: { deep: 'c2VjcmV0' },
    });
    api.fault = () => {
      throw StatusError.invalid({ group: '', resource: 'Secret' }, 's', [
        { type: 'FieldValueInvalid', field: 'data', message: 'Invalid value: "c2VjcmV0"' },
      ]);
    };
    await expect(client.patch(Secret, named('s'), { merge: { data: { pin: 'x' } } })).rejects.toThrow('c2VjcmV0');
    await stop();
    const [file = ''] = await readdir(directory);
    const text = await readFile(join(directory, file), 'utf8');
    expect(text).not.toContain('c2VjcmV0');
    expect(text).not.toContain('"secret"');
    expect(text).toContain('"plain":"told"');
    expect(text).toContain('"annotations":{"a":"b"}');
    const { lines } = await readRecording(directory);
    const pins = [...text.matchAll(/"pin":"([\w=+/]+)"/g)].map(([, pin = '']) => Buffer.from(pin, 'base64').toString());
    expect(pins[0]).toMatch(/^redacted-[0-9a-f]{12}$/);
    // The same value is seen to be the same.
    expect(pins[1]).toBe(pins[0]);
    expect(only(lines, 'request').at(-1)?.error).toEqual({ code: 422, reason: 'Invalid', message: 'Invalid' });
  });

  it('begins each file with what is in the caches, and keeps the latest files', async () => {
    const { client, informers, recorder, stop, caches } = open({ fileBytes: 2_000, files: 2 });
    await recorder.start(caches);
    await informers.for(ConfigMap).waitForSync();
    for (let each = 0; each < 40; each += 1) {
      await client.create(ConfigMap, { metadata: named(`c${each}`) });
      // Each is written before the next one is made.
      if (each % 10 === 9) await waitFor(async () => (await lastLines(directory)).includes(`"c${each}"`));
    }
    await stop();
    const files = (await readdir(directory)).toSorted();
    expect(files).toHaveLength(2);
    const first = await readRecording(join(directory, files[0] ?? ''));
    const [head, ...lines] = first.lines;
    expect(head).toMatchObject({ is: 'recording', process: 'i00000' });
    expect(head?.is === 'recording' && head.part).toBeGreaterThan(1);
    const kept = only(lines, 'seen').filter(({ how }) => how === 'kept');
    expect(kept.length).toBeGreaterThan(0);
    expect(kept[0]?.object.metadata.name).toBe('c0');
  });

  it('leaves lines out rather than to grow, says so, and tells the caches anew', async () => {
    const warned: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void warned.push(message) };
    const { client, informers, recorder, stop, caches } = open({ mostWaiting: 10 }, logger);
    await recorder.start(caches);
    await informers.for(ConfigMap).waitForSync();
    await Promise.all(
      Array.from({ length: 50 }, (_, each) => client.create(ConfigMap, { metadata: named(`c${each}`) })),
    );
    await waitFor(() => warned.length > 0);
    await waitFor(async () => (await lastLines(directory)).includes('"how":"kept"'));
    await stop();
    const { lines } = await readRecording(directory);
    const at = lines.findIndex(({ is }) => is === 'dropped');
    expect(warned).toContain('lines of the recording are left out: more happens than can be written');
    const told = only(lines.slice(at), 'seen').filter(({ how }) => how === 'kept');
    expect(told.length).toBeGreaterThan(0);
  });

  it('ends where it cannot be written, and the operator goes on', async () => {
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => void errors.push(message) };
    const { client, recorder, stop, caches } = open({ fileBytes: 1 }, logger);
    await recorder.start(caches);
    await rm(directory, { recursive: true });
    await client.create(ConfigMap, { metadata: named('a') });
    await waitFor(() => errors.length > 0);
    await client.create(ConfigMap, { metadata: named('b') });
    expect(errors).toEqual(['the recording ends: it cannot be written']);
    await stop();
  });
});

describe('readRecording', () => {
  it('leaves out a line that was cut off, and says which line is none', async () => {
    const { client, recorder, stop, caches } = open();
    await recorder.start(caches);
    await client.create(ConfigMap, { metadata: named('a') });
    await stop();
    const [file = ''] = await readdir(directory);
    const path = join(directory, file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, -10));
    expect((await readRecording(path)).lines.map(({ is }) => is)).toEqual(['recording', 'seen', 'request']);
    await writeFile(path, `${text}{"is":"seen"}\n`);
    await expect(readRecording(path)).rejects.toThrow(/line 5 is none of a recording/);
    await writeFile(path, '{"is":"stopped","at":1}\n');
    await expect(readRecording(path)).rejects.toThrow('does not begin as a recording does');
  });
});

async function lastLines(path: string): Promise<string> {
  const files = (await readdir(path)).toSorted();
  return (await Promise.all(files.map((each) => readFile(join(path, each), 'utf8')))).join('');
}
