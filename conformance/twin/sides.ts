import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPki } from '@keelson/apiserver';
import { systemClock } from '@keelson/core';
import { parse } from 'yaml';
import type { Start } from './case.ts';
import { type Target, Wire } from './http.ts';
import { at, type Json } from './json.ts';
import { end, startReal } from './real-server.ts';

/** The two servers, alike but for what they are. */
export interface Sides {
  readonly real: Wire;
  readonly keelson: Wire;
  readonly dir: string;
  /** Where they are, for a person. */
  readonly about: string;
  /** What Keelson's process said about failures of its own: each once, with how often. */
  complaints(): ReadonlyMap<string, number>;
  /** What a side was before the first case. */
  startOf(side: Wire): Start;
  /** Whether Keelson's process still runs. */
  alive(): boolean;
  stop(): Promise<void>;
}

export interface SidesOptions {
  /** A kubeconfig of a real server that runs already. */
  readonly oracle?: string;
  /** Versions that Keelson serves besides the stable ones. */
  readonly versions: readonly string[];
}

/** Starts both sides on free ports; a real one that runs already is used as it is. */
export async function startSides({ oracle, versions }: SidesOptions): Promise<Sides> {
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keelson-twin-'));
  const children: ChildProcess[] = [];
  const began = Date.now();
  // However this process ends, the servers end with it.
  const endAll = () => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', endAll);
  const stop = async () => {
    process.off('exit', endAll);
    for (const child of children.reverse()) await end(child);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const pki = await openPki(undefined, { clock: systemClock });
    const admin = { ca: pki.ca, cert: pki.admin.certificate, key: pki.admin.key };
    const [real, ours] = await Promise.all([
      oracle === undefined ? startReal({ dir, pki, children }) : targetOf(oracle),
      startKeelson(dir, versions, children),
    ]);
    const realTarget: Target = 'origin' in real ? real : { origin: real.url, tls: admin };
    const keelson = new Wire(targetOf(ours.kubeconfig));
    const realWire = new Wire(realTarget);
    // A real server that runs already has objects of many days.
    const since = oracle === undefined ? began - 2_000 : began - 90 * 86_400_000;
    const starts = new Map<Wire, Start>();
    for (const [wire, version] of await atRest([realWire, keelson])) starts.set(wire, { since, version });
    const about = `real ${'origin' in real ? real.origin : `${real.url} (${real.kubeconfig})`}, Keelson ${ours.url} (${ours.kubeconfig})`;
    return {
      real: realWire,
      keelson,
      dir,
      about,
      complaints: () => complaintsIn(readFileSync(join(dir, 'keelson.log'), 'utf8')),
      startOf: (side) => starts.get(side) ?? { since, version: 0 },
      alive: () => ours.child.exitCode === null,
      async stop() {
        realWire.close();
        keelson.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The versions of servers that have written what they write at their start: their controllers go on for a moment after
 * they are ready. Never more than ten seconds, as some renew a lease for ever.
 */
async function atRest(sides: readonly Wire[]): Promise<[Wire, number][]> {
  const versionOf = async (side: Wire) => {
    const { body } = await side.request({ method: 'GET', path: '/api/v1/namespaces', headers: {}, body: undefined });
    return Number(at(JSON.parse(body.toString('utf8')) as Json, 'metadata.resourceVersion') ?? 0);
  };
  let versions = await Promise.all(sides.map(versionOf));
  // Longer than a second, so that what is written from now on has another time.
  for (let rests = 0, tries = 0; rests < 3 && tries < 20; tries++) {
    await new Promise((wake) => setTimeout(wake, 500));
    const now = await Promise.all(sides.map(versionOf));
    rests = now.every((each, index) => each === versions[index]) ? rests + 1 : 0;
    versions = now;
  }
  return sides.map((side, index) => [side, versions[index] ?? 0]);
}

/** The distinct complaints in a log in which each begins with `keelson: `. */
export function complaintsIn(log: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const each of log.split(/^keelson: /m).slice(1)) {
    const text = each.trimEnd().slice(0, 1500);
    // Names and paths vary with the case; where it broke does not.
    const place = /packages\/([^\s)']+)/.exec(text)?.[1] ?? '';
    const key = [...found.keys()].find((known) => place !== '' && known.includes(place)) ?? text;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

async function startKeelson(dir: string, versions: readonly string[], children: ChildProcess[]) {
  const kubeconfig = join(dir, 'keelson.kubeconfig');
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const log = openSync(join(dir, 'keelson.log'), 'w');
  const child = spawn(
    process.execPath,
    [run, 'keelson-side', '--kubeconfig', kubeconfig, '--versions', versions.join(',')],
    { stdio: ['pipe', 'pipe', log] },
  );
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      const ready = /^ready (\S+)$/m.exec(seen);
      if (ready?.[1]) resolve(ready[1]);
    });
    child.once('exit', (code) =>
      reject(
        new Error(
          `Keelson's API server ended with ${code}:\n${readFileSync(join(dir, 'keelson.log'), 'utf8').slice(-4000)}`,
        ),
      ),
    );
  });
  return { url, kubeconfig, child };
}

/** A cluster by its kubeconfig with a client certificate. */
export function targetOf(kubeconfig: string): Target {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Json;
  const named = (list: string, name: Json | undefined) => {
    const all = at(config, list);
    return Array.isArray(all) ? all.find((each) => at(each, 'name') === name) : undefined;
  };
  const context = named('contexts', at(config, 'current-context'));
  const cluster = named('clusters', at(context, 'context.cluster'));
  const user = named('users', at(context, 'context.user'));
  const material = (from: Json | undefined, path: string) => {
    const inline = at(from, `${path}-data`);
    const named = at(from, path);
    return typeof inline === 'string'
      ? Buffer.from(inline, 'base64')
      : typeof named === 'string'
        ? readFileSync(named)
        : undefined;
  };
  const [ca, cert, key] = [
    material(cluster, 'cluster.certificate-authority'),
    material(user, 'user.client-certificate'),
    material(user, 'user.client-key'),
  ];
  return {
    origin: String(at(cluster, 'cluster.server') ?? ''),
    tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
  };
}
