import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CniError } from '@keelson/core/cni';
import { parseIpv4Range } from '@keelson/core/machinery';
import { podCandidates } from './pod-candidates.ts';

/** Who holds an address. */
export interface Attachment {
  readonly containerId: string;
  readonly ifName: string;
}

/**
 * Address management in a directory: one file an address, made with O_EXCL, so that several processes (our own and a
 * container runtime's CNI calls) never give one address twice, and nothing is lost when one of them dies.
 */
export class HostLocal {
  readonly #dir: string;
  readonly #cidr: string;

  constructor(dir: string, cidr: string) {
    this.#dir = dir;
    this.#cidr = cidr;
  }

  /** The address of this attachment; the one it holds already if it asks twice. Throws `CniError` 11 (try again later) when none is free. */
  async allocate(attachment: Attachment): Promise<string> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    for (const [address, holder] of await this.held()) if (same(holder, attachment)) return address;
    const last = await this.#read('last');
    for (const address of podCandidates(parseIpv4Range(this.#cidr), last?.trim() || undefined)) {
      try {
        const file = await open(join(this.#dir, address), 'wx', 0o600);
        try {
          await file.writeFile(`${attachment.containerId}\n${attachment.ifName}\n`);
        } finally {
          await file.close();
        }
        await writeFile(join(this.#dir, 'last'), address, { mode: 0o600 });
        return address;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    throw new CniError(11, `no address is free in ${this.#cidr}`);
  }

  async release(attachment: Attachment): Promise<void> {
    for (const [address, holder] of await this.held())
      if (same(holder, attachment)) await rm(join(this.#dir, address), { force: true });
  }

  async held(): Promise<readonly (readonly [string, Attachment])[]> {
    let names: string[];
    try {
      names = await readdir(this.#dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const entries = await Promise.all(
      names
        .filter((name) => /^\d/.test(name))
        .map(async (name) => {
          const [containerId, ifName] = ((await this.#read(name)) ?? '').split('\n');
          return containerId && ifName ? ([name, { containerId, ifName }] as const) : undefined;
        }),
    );
    return entries.filter((each) => each !== undefined);
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#dir, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

const same = (a: Attachment, b: Attachment) => a.containerId === b.containerId && a.ifName === b.ifName;
