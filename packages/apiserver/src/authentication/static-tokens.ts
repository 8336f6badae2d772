import { createHash, timingSafeEqual } from 'node:crypto';
import type { UserInfo } from '../registry/contract.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './contract.ts';

/** Tokens that were handed out by hand: the `--token-auth-file` of Kubernetes, lines of `token,user,uid,"group1,group2"`. */
export class StaticTokens implements TokenAuthenticator {
  readonly #entries: readonly { readonly digest: Buffer; readonly user: UserInfo }[];

  constructor(csv: string) {
    this.#entries = csv
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [token = '', name = '', uid = '', groups = ''] = cells(line);
        if (token === '' || name === '') throw new Error('a line of the token file needs a token and a user name');
        const user = { name, ...(uid && { uid }), groups: groups.split(',').filter((each) => each !== '') };
        return { digest: digestOf(token), user };
      });
  }

  async authenticateToken(token: string): Promise<AuthenticatedToken | undefined> {
    const digest = digestOf(token);
    let found: UserInfo | undefined;
    // Every entry is compared, in constant time, so that the time taken tells nothing.
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.user;
    return found && { user: found, audiences: [] };
  }
}

const digestOf = (token: string) => createHash('sha256').update(token).digest();

function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => (quoted ?? plain ?? '').trim());
}
