import type { Clock, Logger } from '@keelson/core';
import type { TokenAuthenticator } from '../contract.ts';
import { inTurn } from '../request-authenticator.ts';
import { JwtAuthenticator, type JwtAuthenticatorOptions } from './jwt-authenticator.ts';
import type { JwtOptions } from './jwt-options.ts';

/** As often as Kubernetes asks an issuer that does not answer, and as long as it waits for those of a new file. */
const askEveryMs = 10_000;
const longestWaitMs = 60_000;

export interface IssuersOptions extends JwtAuthenticatorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Issuers of tokens, whose tokens are taken once they have said where their keys are. */
export class Issuers implements TokenAuthenticator {
  readonly #options: IssuersOptions;
  readonly #all: readonly JwtAuthenticator[];
  readonly #inTurn: TokenAuthenticator;
  readonly #closing = new AbortController();

  /** Throws for expressions that do not compile. */
  constructor(all: readonly JwtOptions[], options: IssuersOptions) {
    this.#options = options;
    this.#all = all.map((each) => new JwtAuthenticator(each, options));
    this.#inTurn = inTurn(this.#all);
  }

  authenticateToken(token: string, audiences?: readonly string[]) {
    return this.#inTurn.authenticateToken(token, audiences);
  }

  /** Asks them until each has answered. Never rejects: a server works without its issuers. */
  async begin(): Promise<void> {
    const { logger } = this.#options;
    const { signal } = this.#closing;
    try {
      await this.#ask(signal, (error) => {
        logger.warn('an issuer of tokens does not answer: it is asked again', { error });
        return true;
      });
    } catch (error) {
      if (!signal.aborted) logger.error('issuers of tokens are asked no more', { error: String(error) });
    }
  }

  /** Resolves when each has answered; rejects after a minute, with why the first one has not. */
  async answering(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + longestWaitMs;
    await this.#ask(AbortSignal.any([signal, this.#closing.signal]), () => clock.now() < end);
  }

  close(): void {
    this.#closing.abort(new Error('the issuers of tokens are closed'));
    for (const each of this.#all) each.close();
  }

  async #ask(signal: AbortSignal, again: (problem: string) => boolean): Promise<void> {
    for (;;) {
      const problems = await Promise.all(this.#all.map((each) => each.problem()));
      signal.throwIfAborted();
      const problem = problems.find((each) => each !== undefined);
      if (problem === undefined) return;
      if (!again(problem)) throw new Error(problem);
      await this.#options.clock.sleep(askEveryMs, signal);
    }
  }
}
