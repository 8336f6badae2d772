import { readFile } from 'node:fs/promises';
import { type AuthenticatedToken, StaticTokens, type TokenAuthenticator } from '../authentication/index.ts';

/** Static tokens from a file that is read in the phase `storage`; without a file it knows none. */
export class StaticTokenFile implements TokenAuthenticator {
  readonly #path: string | undefined;
  #tokens: StaticTokens | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  async open(): Promise<void> {
    if (this.#path !== undefined) this.#tokens = new StaticTokens(await readFile(this.#path, 'utf8'));
  }

  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    return this.#tokens?.authenticateToken(token, audiences);
  }
}
