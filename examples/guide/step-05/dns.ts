import { z } from 'zod';

const record = z.object({ host: z.string(), target: z.string(), owner: z.string() });
export type DnsRecord = z.output<typeof record>;

/** What we need of whoever keeps our names. */
export interface Dns {
  list(): Promise<readonly DnsRecord[]>;
  /** Makes the record, or changes it. Fails where somebody else has the host. */
  put(record: DnsRecord): Promise<void>;
  /** Does nothing where there is none. */
  remove(host: string): Promise<void>;
}

/** Kept in memory: for tests. */
export class MemoryDns implements Dns {
  readonly #records = new Map<string, DnsRecord>();

  async list() {
    return [...this.#records.values()];
  }

  async put(wanted: DnsRecord) {
    const there = this.#records.get(wanted.host);
    if (there && there.owner !== wanted.owner) throw new Error(`${wanted.host} is taken`);
    this.#records.set(wanted.host, wanted);
  }

  async remove(host: string) {
    this.#records.delete(host);
  }
}

/** A provider with an API over HTTP. */
export function httpDns(url: string): Dns {
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}/records${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the DNS at ${url} answers ${answer.status}: ${text}`);
    return text;
  };
  return {
    list: async () => record.array().parse(JSON.parse(await ask(''))),
    put: async (wanted) => void (await ask(`/${wanted.host}`, { method: 'PUT', body: JSON.stringify(wanted) })),
    remove: async (host) => void (await ask(`/${host}`, { method: 'DELETE' })),
  };
}
