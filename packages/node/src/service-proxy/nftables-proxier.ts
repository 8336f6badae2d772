import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from '@keelson/core';
import type { Proxier } from './proxier.ts';
import { diffScript, emptyRuleset, type Ruleset, rulesetFor, tableScript } from './ruleset.ts';
import type { ServicePortState } from './service-ports.ts';

const exec = promisify(execFile);

export interface NftablesProxierOptions {
  /** The table that is ours; everything in it is replaced. Default `keelson-proxy`. */
  readonly table?: string;
  readonly serviceCidr: string;
  /** The address from which this machine speaks to Services where it has no route to them. */
  readonly nodeIp: string;
  readonly logger: Logger;
}

/** Service addresses and node ports by nftables: one transaction a sync, holding only what changed. */
export class NftablesProxier implements Proxier {
  readonly #options: NftablesProxierOptions;
  readonly #table: string;
  #applied: Ruleset | undefined;

  constructor(options: NftablesProxierOptions) {
    this.#options = options;
    this.#table = options.table ?? 'keelson-proxy';
  }

  async sync(ports: readonly ServicePortState[], signal: AbortSignal): Promise<void> {
    const wanted = rulesetFor(ports);
    if (this.#applied === undefined) await this.#ensureRoute(signal);
    const script =
      this.#applied === undefined
        ? tableScript(this.#table) + diffScript(this.#table, emptyRuleset, wanted)
        : diffScript(this.#table, this.#applied, wanted);
    if (script === '') return;
    const before = this.#applied;
    try {
      // Unknown until the transaction is through: a failure makes the next sync start from an empty table.
      this.#applied = undefined;
      await nft(script, signal);
      this.#applied = wanted;
    } catch (error) {
      if (before === undefined) throw error;
      this.#options.logger.warn('the table is not as it was left; writing it anew', { error });
      await nft(tableScript(this.#table) + diffScript(this.#table, emptyRuleset, wanted), signal);
      this.#applied = wanted;
    }
    await this.#forgetUdp(before ?? emptyRuleset, wanted);
  }

  async stop(): Promise<void> {
    await nft(`add table ip ${this.#table}\ndelete table ip ${this.#table}\n`);
    this.#applied = undefined;
  }

  /** The host's own packets to a Service are routed before they are rewritten: without any route they would not leave. */
  async #ensureRoute(signal: AbortSignal): Promise<void> {
    const address = this.#options.serviceCidr.split('/')[0] ?? '';
    try {
      await exec('ip', ['route', 'get', address], { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      await exec('ip', ['route', 'replace', this.#options.serviceCidr, 'dev', 'lo', 'src', this.#options.nodeIp], {
        signal,
      });
    }
  }

  /** Connection tracking remembers where a UDP client's packets went; a changed Service must be looked up anew. */
  async #forgetUdp(from: Ruleset, to: Ruleset): Promise<void> {
    const stale = [...from.services, ...from.rejectedServices].filter(
      ([key, verdict]) =>
        key.includes(' . udp . ') && (to.services.get(key) ?? to.rejectedServices.get(key)) !== verdict,
    );
    for (const [key] of stale) {
      const [address, , port] = key.split(' . ');
      try {
        await exec('conntrack', ['-D', '-p', 'udp', '-d', address ?? '', '--dport', port ?? '']);
      } catch (error) {
        // Exit code 1 says that there was nothing to forget; without the program, entries end by themselves in 30 s.
        const { code } = error as { code?: number | string };
        if (code !== 1 && code !== 'ENOENT') throw error;
      }
    }
  }
}

function nft(script: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], signal });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-4096);
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`nft: ${stderr.trim() || `exit code ${code}`}`)),
    );
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(script);
  });
}
