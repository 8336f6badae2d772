import { type Clock, type Logger, loadKubeconfig, parseDuration, type Random } from '@keelson/core';
import {
  type AnonymousOptions,
  type AuthenticatedToken,
  celExpressions,
  certificatesIn,
  Issuers,
  inTurn,
  parseAuthenticationFile,
  StaticTokens,
  type TokenAuthenticator,
  TokenMetrics,
  WebhookTokens,
} from '../authentication/index.ts';
import { ReloadMetrics, WatchedFile } from '../reload/index.ts';
import type { AuthenticationPluginOptions } from './authentication-options.ts';
import type { AuthenticationChange, AuthenticationOptions } from './compose-authentication.ts';

export interface ConfiguredTokensOptions {
  readonly tokenFile?: string | undefined;
  readonly authentication: AuthenticationPluginOptions;
}

interface Needs {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What an AuthenticationConfiguration says, and what was made of it. */
interface Configured {
  readonly anonymous: AnonymousOptions;
  readonly issuers: Issuers;
}

/**
 * Tokens that the configuration tells about. Its files are read in the phase `storage`, and before it knows none; from
 * then on each is read again whenever it changes.
 */
export class ConfiguredTokens implements TokenAuthenticator {
  readonly #options: ConfiguredTokensOptions;
  readonly #metrics = new TokenMetrics();
  readonly #reloads: ReloadMetrics | undefined;
  readonly #listeners: ((what: AuthenticationChange) => void)[] = [];
  readonly #files: Pick<WatchedFile<unknown>, 'reload' | 'close'>[] = [];
  #static: WatchedFile<StaticTokens> | undefined;
  #configuration: WatchedFile<Configured> | undefined;
  #frontProxyCa: WatchedFile<string> | undefined;
  #issuers: Issuers | undefined;
  #webhook: WebhookTokens | undefined;
  #inTurn = inTurn([]);

  constructor(options: ConfiguredTokensOptions) {
    this.#options = options;
    if (options.authentication.configurationFile !== undefined) this.#reloads = new ReloadMetrics('authentication');
  }

  /** What the server is put together with. */
  get authentication(): AuthenticationOptions {
    const { authentication } = this.#options;
    const { frontProxy, bootstrapTokens, audiences, extendTokenExpiration } = authentication;
    const { serviceAccountJwksUri: jwksUri } = authentication;
    return {
      anonymous: () => this.#configuration?.value.anonymous ?? authentication.anonymous,
      bootstrapTokens,
      extendTokenExpiration,
      otherTokens: [this],
      metrics: this.#metrics,
      frontProxyCa: () => this.#frontProxyCa?.value,
      onChange: (listener) => this.#listeners.push(listener),
      metricsText: () => this.#reloads?.text() ?? '',
      ...(jwksUri !== undefined && { jwksUri }),
      ...(frontProxy && { frontProxy }),
      ...(audiences && { audiences }),
    };
  }

  /** Rejects for files that cannot be read, and expressions that do not compile. */
  async open(needs: Needs): Promise<void> {
    const { tokenFile, authentication } = this.#options;
    const { configurationFile, webhook, frontProxy } = authentication;
    if (frontProxy?.clientCaFile !== undefined) await this.#openFrontProxyCa(frontProxy.clientCaFile, needs);
    if (tokenFile !== undefined) await this.#openStatic(tokenFile, needs);
    if (configurationFile !== undefined) await this.#openConfiguration(configurationFile, needs);
    else {
      this.#issuers = this.#issuersOf(authentication.jwt, needs);
      void this.#issuers.begin();
    }
    if (webhook) {
      const config = await loadKubeconfig(webhook.kubeconfig);
      const cacheTtlMs = parseDuration(webhook.cacheTtl) ?? 0;
      this.#webhook = new WebhookTokens({
        ...needs,
        config,
        version: webhook.version,
        cacheTtlMs,
        audiences: () => this.#audiences,
      });
    }
    this.#changed('tokens');
  }

  close(): void {
    for (const each of this.#files) each.close();
    this.#issuers?.close();
    this.#webhook?.close();
  }

  /** Looks at all files now. */
  async reload(): Promise<void> {
    await Promise.all(this.#files.map((each) => each.reload()));
  }

  authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    return this.#inTurn.authenticateToken(token, audiences);
  }

  get #audiences(): readonly string[] {
    const { audiences, serviceAccountIssuers } = this.#options.authentication;
    return audiences ?? serviceAccountIssuers;
  }

  #issuersOf(jwt: AuthenticationPluginOptions['jwt'], { clock, logger }: Needs): Issuers {
    const took: TokenMetrics['issuer'] = (...measured) => this.#metrics.issuer(...measured);
    return new Issuers(jwt, { clock, logger, compiler: celExpressions, audiences: () => this.#audiences, took });
  }

  async #openStatic(file: string, needs: Needs): Promise<void> {
    const watched = new WatchedFile({
      file,
      what: 'the file of static tokens',
      ...needs,
      build: (text) => new StaticTokens(text, () => this.#audiences),
      changed: () => this.#changed('tokens'),
    });
    this.#files.push(watched);
    await watched.open();
    this.#static = watched;
  }

  async #openFrontProxyCa(file: string, needs: Needs): Promise<void> {
    const watched = new WatchedFile({
      file,
      what: 'the authority of front proxies',
      ...needs,
      build: (text) => {
        if (certificatesIn(text).length > 0) return text;
        throw new Error('data does not contain any valid RSA or ECDSA certificates');
      },
      changed: () => this.#changed('authorities'),
    });
    this.#files.push(watched);
    await watched.open();
    this.#frontProxyCa = watched;
  }

  async #openConfiguration(file: string, needs: Needs): Promise<void> {
    const fallback = this.#options.authentication.anonymous;
    const watched = new WatchedFile<Configured>({
      file,
      what: 'the authentication configuration',
      ...needs,
      ...(this.#reloads && { observer: this.#reloads }),
      build: async (text, before, signal) => {
        const { anonymous = fallback, jwt } = parseAuthenticationFile(text);
        if (before && JSON.stringify(before.anonymous) !== JSON.stringify(anonymous)) {
          throw new Error('anonymous: Forbidden: changed from initial configuration file');
        }
        const issuers = this.#issuersOf(jwt, needs);
        if (!before) void issuers.begin();
        else await answering(issuers, signal);
        return { anonymous, issuers };
      },
      changed: () => this.#changed('tokens'),
      dispose: ({ issuers }) => issuers.close(),
    });
    this.#files.push(watched);
    await watched.open();
    this.#configuration = watched;
  }

  #changed(what: AuthenticationChange): void {
    const all = [this.#static?.value, this.#configuration?.value.issuers ?? this.#issuers, this.#webhook];
    this.#inTurn = inTurn(all.filter((each) => each !== undefined));
    for (const each of this.#listeners) each(what);
  }
}

/** Issuers that do not answer do not take the place of those that do. */
async function answering(issuers: Issuers, signal: AbortSignal): Promise<void> {
  try {
    await issuers.answering(signal);
  } catch (error) {
    issuers.close();
    throw error;
  }
}
