import { createHash, timingSafeEqual } from 'node:crypto';
import type { UserInfo } from '../registry/contract.ts';
import { type AuthenticatedToken, forThisServer, type TokenAuthenticator } from './contract.ts';
import { parseCsv } from './csv.ts';

/**
 * Tokens that were handed out by hand: the `--token-auth-file` of Kubernetes, comma-separated values of token, user name,
 * uid and, in quotes when there are several, groups. The constructor throws for records with fewer than three columns.
 */
export class StaticTokens implements TokenAuthenticator {
  readonly #entries: readonly { readonly digest: Buffer; readonly user: UserInfo }[];
  readonly #audiences: () => readonly string[];

  constructor(csv: string, audiences: () => readonly string[] = () => []) {
    this.#audiences = audiences;
    this.#entries = parseCsv(csv).flatMap((record) => {
      if (record.length < 3) {
        const found = `found ${record.length}`;
        throw new Error(`a token file must have at least 3 columns (token, user name, user uid), ${found}`);
      }
      const [token = '', name = '', uid = '', groups] = record;
      if (token === '') return [];
      const user = { name, ...(uid && { uid }), groups: groups?.split(',') ?? [] };
      return [{ digest: digestOf(token), user }];
    });
  }

  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const digest = digestOf(token);
    let found: UserInfo | undefined;
    // Every entry is compared, in constant time, so that the time taken tells nothing.
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.user;
    return found && forThisServer(found, audiences, this.#audiences());
  }
}

const digestOf = (token: string) => createHash('sha256').update(token).digest();
