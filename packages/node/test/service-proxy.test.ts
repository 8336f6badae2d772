import { execFile, execFileSync } from 'node:child_process';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import type { EndpointSlice, Service } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NftablesProxier } from '../src/service-proxy/nftables-proxier.ts';
import { diffScript, emptyRuleset, rulesetFor, tableScript } from '../src/service-proxy/ruleset.ts';
import { type ServicePortState, servicePorts } from '../src/service-proxy/service-ports.ts';
import { UserSpaceProxier } from '../src/service-proxy/user-space-proxier.ts';

const nodeIp = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find((each) => each.family === 'IPv4' && !each.internal)?.address;
const usable = (() => {
  try {
    execFileSync('nft', ['-c', 'add table ip keelson-probe'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

const state = (over: Partial<ServicePortState>): ServicePortState => ({
  name: 'ns/web',
  protocol: 'tcp',
  addresses: ['10.98.7.1'],
  port: 80,
  nodePort: undefined,
  affinitySeconds: undefined,
  endpoints: [],
  ...over,
});

function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let text = '';
    socket.setTimeout(5000, () => socket.destroy(new Error('timed out')));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code)));
  });
}

function serve(word: string, host: string): Promise<{ server: Server; port: number }> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.end(word));
    server.listen(0, host, () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address ? address.port : 0 });
    });
  });
}

describe('service ports', () => {
  const service: Service = {
    metadata: { name: 'web', namespace: 'ns' },
    spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }] },
  };
  const slice = (
    conditions: NonNullable<NonNullable<EndpointSlice['endpoints']>[number]['conditions']>,
    ip: string,
  ): EndpointSlice => ({
    metadata: { name: ip, namespace: 'ns' },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [ip], conditions }],
  });

  it('goes to ready endpoints, and to terminating ones only while nothing is ready', () => {
    const ready = slice({ ready: true, serving: true, terminating: false }, '10.244.0.2');
    const leaving = slice({ ready: false, serving: true, terminating: true }, '10.244.0.3');
    const dead = slice({ ready: false, serving: false, terminating: true }, '10.244.0.4');
    const endpoints = (...slices: EndpointSlice[]) =>
      servicePorts([service], () => slices)[0]?.endpoints.map((each) => each.ip);
    expect(endpoints(ready, leaving, dead)).toEqual(['10.244.0.2']);
    expect(endpoints(leaving, dead)).toEqual(['10.244.0.3']);
    expect(endpoints(dead)).toEqual([]);
  });

  it('leaves headless and ExternalName Services alone', () => {
    expect(
      servicePorts([{ ...service, spec: { ...service.spec, clusterIP: 'None', clusterIPs: ['None'] } }], () => []),
    ).toEqual([]);
    expect(servicePorts([{ ...service, spec: { type: 'ExternalName', externalName: 'a.b' } }], () => [])).toEqual([]);
  });
});

describe.skipIf(!usable && process.env.CI !== 'true')('nftables', () => {
  const table = 'keelson-test-proxy';
  let servers: { server: Server; port: number }[];
  let proxier: NftablesProxier;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    servers = [await serve('one', nodeIp ?? ''), await serve('two', nodeIp ?? '')];
    proxier = new NftablesProxier({ table, serviceCidr: '10.98.7.0/24', nodeIp: nodeIp ?? '', logger: silentLogger });
  });
  afterAll(async () => {
    await proxier.stop();
    for (const { server } of servers) server.close();
  });

  const endpoints = () => servers.map(({ port }) => ({ ip: nodeIp ?? '', port }));

  it('spreads a Service address and a node port over the endpoints, refuses without endpoints, and forgets', async () => {
    await proxier.sync(
      [
        state({ endpoints: endpoints(), nodePort: 30981 }),
        state({ name: 'ns/empty', addresses: ['10.98.7.2'], nodePort: 30982 }),
      ],
      signal,
    );
    const answers = new Set<string>();
    for (let tries = 0; tries < 40; tries++) answers.add(await ask('10.98.7.1', 80));
    expect(answers).toEqual(new Set(['one', 'two']));
    expect(['one', 'two']).toContain(await ask(nodeIp ?? '', 30981));
    await expect(ask('10.98.7.2', 80)).rejects.toThrow('ECONNREFUSED');
    await expect(ask(nodeIp ?? '', 30982)).rejects.toThrow('ECONNREFUSED');

    await proxier.sync([state({ endpoints: endpoints().slice(1) })], signal);
    for (let tries = 0; tries < 10; tries++) expect(await ask('10.98.7.1', 80)).toBe('two');
  });

  it('keeps a client with its endpoint where affinity is asked for', async () => {
    await proxier.sync([state({ endpoints: endpoints(), affinitySeconds: 60 })], signal);
    const first = await ask('10.98.7.1', 80);
    for (let tries = 0; tries < 20; tries++) expect(await ask('10.98.7.1', 80)).toBe(first);
  });

  it('recovers when somebody flushed the table', async () => {
    await promisify(execFile)('nft', ['delete', 'table', 'ip', table]);
    await proxier.sync([state({ endpoints: endpoints(), addresses: ['10.98.7.3'] })], signal);
    expect(['one', 'two']).toContain(await ask('10.98.7.3', 80));
  });

  it('reaches by a difference what it would write anew, from any state to any other', () => {
    const ports = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('a/x', 'a/y', 'b/x'),
        protocol: fc.constantFrom('tcp' as const, 'udp' as const),
        addresses: fc.constant(['10.98.7.9']),
        port: fc.constantFrom(80, 81, 82),
        nodePort: fc.option(fc.constantFrom(30983, 30984, 30985), { nil: undefined }),
        affinitySeconds: fc.option(fc.constantFrom(10, 20), { nil: undefined }),
        endpoints: fc.uniqueArray(
          fc.record({ ip: fc.constantFrom('10.1.0.1', '10.1.0.2', '10.1.0.3'), port: fc.constant(8080) }),
          { maxLength: 3, selector: (each) => each.ip },
        ),
      }),
      { maxLength: 3, selector: (each) => each.name },
    );
    const load = (script: string) => execFileSync('nft', ['-f', '-'], { input: script });
    const shown = () => {
      const lines = execFileSync('nft', ['list', 'table', 'ip', `${table}-p`], { encoding: 'utf8' });
      const blocks = lines.split(/\n\t}\n/).map((block) =>
        block.replace(/elements = \{[^}]*\}/s, (text) =>
          text
            .split(/[{},\n\t]+/)
            .map((each) => each.trim())
            .sort()
            .join(' '),
        ),
      );
      return blocks.map((each) => each.trim()).sort();
    };
    try {
      fc.assert(
        fc.property(ports, ports, (from, to) => {
          const [a, b] = [rulesetFor(from), rulesetFor(to)];
          load(tableScript(`${table}-p`) + diffScript(`${table}-p`, emptyRuleset, b));
          const anew = shown();
          load(tableScript(`${table}-p`) + diffScript(`${table}-p`, emptyRuleset, a));
          const script = diffScript(`${table}-p`, a, b);
          if (script !== '') load(script);
          expect(shown()).toEqual(anew);
        }),
        { numRuns: 25 },
      );
    } finally {
      load(`add table ip ${table}-p\ndelete table ip ${table}-p\n`);
    }
  });
});

describe('user space', () => {
  it('carries a node port to the endpoints in turn, and resets without any', async () => {
    const servers = [await serve('one', '127.0.0.1'), await serve('two', '127.0.0.1')];
    const proxier = new UserSpaceProxier(silentLogger);
    const port = 31971;
    try {
      await proxier.sync([
        state({ nodePort: port, endpoints: servers.map((each) => ({ ip: '127.0.0.1', port: each.port })) }),
      ]);
      expect(new Set([await ask('127.0.0.1', port), await ask('127.0.0.1', port)])).toEqual(new Set(['one', 'two']));
      await proxier.sync([state({ nodePort: port })]);
      await expect(ask('127.0.0.1', port)).rejects.toThrow('ECONNRESET');
      await proxier.sync([]);
      await expect(ask('127.0.0.1', port)).rejects.toThrow('ECONNREFUSED');
    } finally {
      await proxier.stop();
      for (const { server } of servers) server.close();
    }
  });
});
