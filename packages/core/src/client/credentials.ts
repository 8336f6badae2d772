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

/** A bearer token that somebody has issued. */
export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since the epoch; absent: for ever. */
  readonly expiresAt?: number;
}

/** Asks for a new token of a user. */
export type IssueToken = (signal?: AbortSignal) => Promise<IssuedToken>;

const tokenFileAgeMs = 60_000;
/** Renewed so long before it ends, that a request under way does not outlive it. */
const expiryLeewayMs = 10_000;

/** Keeps credentials fresh: token files are read again, plugins run and issuers asked again, as they grow old. */
export class CredentialSource {
  readonly #config: ClientConfig;
  readonly #clock: Clock;
  #file: { readonly token: string; readonly readAt: number } | undefined;
  readonly #issue: ((signal?: AbortSignal) => Promise<ExecCredential>) | undefined;
  #issued: { readonly credential: Promise<ExecCredential>; readonly signal: AbortSignal | undefined } | undefined;

  /** @param issueToken counts before what the config names */
  constructor(config: ClientConfig, clock: Clock, issueToken?: IssueToken) {
    this.#config = config;
    this.#clock = clock;
    this.#issue = issueToken ?? (config.exec && ((signal) => runExecPlugin(config, signal)));
  }

  /** Whether asking again after a 401 may bring something else. */
  get renewable(): boolean {
    return this.#config.tokenFile !== undefined || this.#issue !== undefined;
  }

  /** Forgets what the server has refused. */
  renew(): void {
    this.#file = undefined;
    this.#issued = undefined;
  }

  async get(signal?: AbortSignal): Promise<Credentials> {
    const { cert, key, username, password } = this.#config;
    const own = this.#issue ? await this.#fromIssuer(this.#issue, signal) : undefined;
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

  /** Whoever comes while one is asked waits for that answer. */
  async #fromIssuer(
    issue: (signal?: AbortSignal) => Promise<ExecCredential>,
    signal: AbortSignal | undefined,
  ): Promise<ExecCredential> {
    for (let before = this.#issued; before; before = this.#issued) {
      try {
        const current = await before.credential;
        if (current.expiresAt === undefined || current.expiresAt - expiryLeewayMs > this.#clock.now()) return current;
      } catch (error) {
        // That the one who asked has gone is no answer to the others.
        if (!before.signal?.aborted || signal?.aborted) throw error;
      }
      if (this.#issued === before) this.#issued = undefined;
    }
    const issued = { credential: issue(signal), signal };
    this.#issued = issued;
    try {
      return await issued.credential;
    } catch (error) {
      if (this.#issued === issued) this.#issued = undefined;
      throw error;
    }
  }
}
