import { createHash } from 'node:crypto';
import { SubjectAccessReview, TokenReview } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Clock } from '../machinery/index.ts';

export interface ScraperAnswer {
  readonly code: 200 | 401 | 403;
  readonly message: string;
}

/** As controller-runtime keeps decisions, but not longer than it keeps who somebody is. */
const keptMs = 60_000;
const refusedMs = 30_000;
const mostKept = 256;
const longestToken = 16_384;

/**
 * Whether who scrapes may: the API server says whose the bearer token is (TokenReview), and whether that user may `get`
 * the path (SubjectAccessReview). Scrapers need a ClusterRole with `nonResourceURLs: ["/metrics"]`, `verbs: [get]`; the
 * operator may create reviews by the ClusterRole `system:auth-delegator`.
 */
export class ScraperAuthorization {
  readonly #client: Client;
  readonly #clock: Pick<Clock, 'now'>;
  /** By digest of token and path. */
  readonly #kept = new Map<string, { readonly until: number; readonly answer: ScraperAnswer }>();

  constructor(client: Client, clock: Pick<Clock, 'now'>) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws StatusError or ConnectionError when the API server cannot be asked */
  async decide(authorization: string | undefined, path: string, signal: AbortSignal): Promise<ScraperAnswer> {
    const [, token = ''] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (token === '' || token.length > longestToken) return unauthorized;
    const id = createHash('sha256').update(`${path}\n${token}`).digest('base64');
    const known = this.#kept.get(id);
    if (known && known.until > this.#clock.now()) return known.answer;
    const answer = await this.#asked(token, path, signal);
    const until = this.#clock.now() + (answer.code === 200 ? keptMs : refusedMs);
    this.#kept.delete(id);
    this.#kept.set(id, { until, answer });
    if (this.#kept.size > mostKept) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return answer;
  }

  async #asked(token: string, path: string, signal: AbortSignal): Promise<ScraperAnswer> {
    const who = await this.#client.create(TokenReview, { metadata: {}, spec: { token } }, { signal });
    const { authenticated, user } = who.status ?? {};
    if (!authenticated || !user?.username) return unauthorized;
    const { username, uid, groups, extra } = user;
    const spec = {
      user: username,
      ...(uid !== undefined && { uid }),
      ...(groups && { groups }),
      ...(extra && { extra }),
      nonResourceAttributes: { path, verb: 'get' },
    };
    const may = await this.#client.create(SubjectAccessReview, { metadata: {}, spec }, { signal });
    if (may.status?.allowed) return { code: 200, message: '' };
    return { code: 403, message: `Authorization denied for user ${username}` };
  }
}

const unauthorized: ScraperAnswer = { code: 401, message: 'Unauthorized' };
