import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ConfigMap,
  ConnectionError,
  CustomResourceDefinition,
  createClient,
  httpTransport,
  loadKubeconfig,
  Pod,
  ResourceQuota,
  Secret,
} from '@keelson/core';
import { afterAll, describe, expect, it } from 'vitest';
import { ClusterProcess, eventually } from './cluster-process.ts';
import { ChangingCrds, customTypes } from './storm/changing-crds.ts';
import { marker, QuotaRace } from './storm/quota-race.ts';
import { filesWith, RotatingKeys, writeAllAnew } from './storm/rotating-keys.ts';
import { seeded } from './storm/seeded.ts';

/** The long form: `KEELSON_CRASH_ROUNDS=100 npx vitest run packages/keelson/test/crash-storm.test.ts`. */
const rounds = Number(process.env['KEELSON_CRASH_ROUNDS'] ?? 2);
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const racers = 64;

describe('kill -9 while definitions change, quotas are raced for and keys rotate', () => {
  let cluster: ClusterProcess | undefined;
  afterAll(() => cluster?.remove());

  it(`exceeds no quota and leaves no object unreadable (seed ${seed})`, {
    timeout: 60_000 + rounds * 30_000,
  }, async () => {
    const random = seeded(seed);
    const dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const dataDir = join(dir, 'data');
    const keys = new RotatingKeys({ file: join(dir, 'encryption.json'), dataDir, random });
    const race = new QuotaRace(random);
    const crds = new ChangingCrds(random);
    await keys.rotateStore();
    cluster = await ClusterProcess.start({
      dir,
      args: ['--runtime', 'simulated', '--nodes', '0'],
      config: 'encryption: encryption.json\n',
    });
    const { kubeconfig } = cluster;
    const transports: { close(): void }[] = [];
    const connect = async (): Promise<Client> => {
      const transport = httpTransport(await loadKubeconfig(kubeconfig));
      transports.push(transport);
      await transport.raw('GET', '/version');
      return createClient(transport);
    };
    let client = await connect();
    await race.prepare(client);
    await crds.prepare(client);
    const problems: string[] = [];

    for (let round = 1; round <= rounds; round++) {
      const storm = new AbortController();
      const { signal } = storm;
      await keys.takeToken(client);
      const clients = await Promise.all(Array.from({ length: racers }, connect));
      const actors = [
        ...clients.map((each) => race.client(each, signal)),
        race.watchOver(await connect(), signal, problems),
        crds.change(await connect(), signal),
        crds.write(await connect(), signal),
        crds.write(await connect(), signal),
        crds.comeAndGo(await connect(), signal, problems),
      ];
      const ended = Promise.allSettled(actors);
      const rotations = (async () => {
        await sleep(random.below(1500));
        await keys.rotateStore();
        await keys.rotateSigner();
      })();
      await sleep(500 + random.below(3000));
      await cluster.kill();
      storm.abort();
      for (const each of await ended)
        if (each.status === 'rejected' && !(each.reason instanceof ConnectionError)) throw each.reason;
      await rotations;
      for (const each of transports.splice(0)) each.close();
      problems.push(...(await filesWith(dataDir, marker)).map((each) => `${each} has it in plain text`));

      expect(await filesWith(dataDir, 'k8s:enc:')).not.toEqual([]);

      await keys.rotateStore();
      await keys.rotateSigner();
      await cluster.restart();
      client = await connect();
      problems.push(
        ...(await race.excess(client)),
        ...(await race.afterRestart(client)),
        ...(await crds.afterRestart(client)),
        ...(await keys.afterRestart(kubeconfig)),
      );
      // Every other time the next storm comes upon what is not yet settled.
      if (round === rounds || random.chance(0.5)) {
        await race.settles(client);
        const types = [Secret, ConfigMap, Pod, ResourceQuota, CustomResourceDefinition, ...(await customTypes(client))];
        await crds.relax(client);
        // A schema is served a moment after it was written.
        const written = () => writeAllAnew(client, types);
        await eventually(written, () => true, 'everything is written anew', 15_000);
        await keys.dropOldKeys();
      }
      expect(problems, `round ${round} of seed ${seed}`).toEqual([]);
    }
    await keys.takeToken(client);
    expect(keys.signers).toBeGreaterThan(1);
    expect(race.counts.refused).toBeGreaterThan(0);
    process.stdout.write(
      `${JSON.stringify({ seed, rounds, race: race.counts, crds: crds.counts, signers: keys.signers })}\n`,
    );
  });
});
