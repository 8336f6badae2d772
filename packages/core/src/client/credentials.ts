import { readFile } from 'node:fs/promises';
import type { Clock } from '../machinery/index.ts';
import type { ClientConfig } from './client-config.ts';
import { type ExecCredential, runExecPlugin } from './exec-plugin.ts';

/** What a request proves its user with. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly cert?: string;
  readonly key?: string;
}

const tokenFileAgeMs = 60_000;
/** Renewed so long before it ends, that a request under way does not outlive it. */
const expiryLeewayMs = 10_000;

/** Keeps the credentials of a config fresh: token files are read again, plugins run again, as they grow old. */
export class CredentialSource {
  readonly #config: ClientConfig;
  readonly #clock: Clock;
  #file: { readonly token: string; readonly readAt: number } | undefined;
  #exec: Promise<ExecCredential> | undefined;

  constructor(config: ClientConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Whether asking again after a 401 may bring something else. */
  get renewable(): boolean {
    return this.#config.tokenFile !== undefined || this.#config.exec !== undefined;
  }

  /** Forgets what the server has refused. */
  renew(): void {
    this.#file = undefined;
    this.#exec = undefined;
  }

  async get(signal?: AbortSignal): Promise<Credentials> {
    const { cert, key, username, password, exec } = this.#config;
    const own = exec ? await this.#fromPlugin(signal) : undefined;
    const token = own?.token ?? (await this.#token());
    const basic = username === undefined ? undefined : Buffer.from(`${username}:${password ?? ''}`).toString('base64');
    const pair = own?.cert ? { cert: own.cert, key: own.key } : { cert, key };
    return {
      headers: token ? { authorization: `Bearer ${token}` } : basic ? { authorization: `Basic ${basic}` } : {},
      ...(pair.cert && { cert: pair.cert }),
      ...(pair.key && { key: pair.key }),
    };
  }

  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.#config;
    if (tokenFile === undefined) return token;
    const now = this.#clock.now();
    if (!this.#file || now - this.#file.readAt >= tokenFileAgeMs) {
      this.#file = { token: (await readFile(tokenFile, 'utf8')).trim(), readAt: now };
    }
    return this.#file.token;
  }

  async #fromPlugin(signal: AbortSignal | undefined): Promise<ExecCredential> {
    const current = await this.#exec;
    if (current && (current.expiresAt === undefined || current.expiresAt - expiryLeewayMs > this.#clock.now()))
      return current;
    const running = runExecPlugin(this.#config, signal);
    this.#exec = running;
    try {
      return await running;
    } catch (error) {
      if (this.#exec === running) this.#exec = undefined;
      throw error;
    }
  }
}
