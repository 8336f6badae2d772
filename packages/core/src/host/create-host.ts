import { Container } from 'inversify';
import { Client, type Clients } from '../client/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { messageOf, systemClock, systemRandom } from '../machinery/index.ts';
import {
  Clock,
  type Dependency,
  definePlugin,
  Lifecycles,
  Logger,
  type PluginGrant,
  PluginGrants,
  Random,
  type Resolved,
  type Token,
} from '../plugin/index.ts';
import { buildGraph, type Graph, providersOf, tokenOf, usesClient } from './graph.ts';
import { LifecycleRunner, type OwnedLifecycle } from './lifecycle-runner.ts';
import { HostError, type Provision, register } from './registration.ts';
import { type AnyPlugin, type PluginSelection, type SelectedPlugin, selectPlugins } from './select-plugins.ts';
import { createLogger } from './text-logger.ts';

/** What a host runs. */
export interface HostOptions extends PluginSelection {
  /** In order. A later plugin replaces an earlier one of the same name, in its place. */
  readonly plugins: readonly AnyPlugin[];
  /** By plugin name; parsed by the plugin's schema. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Names of plugins to leave out. */
  readonly disable?: readonly string[];
  /** Default: lines on standard error, from `info` on. */
  readonly logger?: Logger;
  readonly clock?: ClockContract;
  readonly random?: RandomContract;
}

/** Plugins, put together: starts and stops them. */
export interface Host {
  /**
   * Makes everything, then starts it phase by phase. A failure, or an abort of `signal`, stops what was started and
   * rejects with the plugin's name in the message.
   */
  start(signal?: AbortSignal): Promise<void>;
  /** Stops in reverse order; rejects with an `AggregateError` if some part did not stop, after the others have. */
  stop(): Promise<void>;
  /** For a token its one value; also takes `all(…)` and `optional(…)`. */
  get<const D extends Dependency>(dependency: D): Resolved<D>;
  /** Names of the plugins that run, in order. */
  readonly plugins: readonly string[];
  /** What each plugin's user has to be allowed. */
  readonly grants: readonly PluginGrant[];
}

/**
 * Puts plugins together: the one place that knows the container. Everything is checked here, and nothing is made or
 * started before `start` or `get`.
 * @throws HostError that says which plugin, class, token or option is wrong
 */
export function createHost(options: HostOptions): Host {
  return new ContainerHost(options);
}

/** What the host provides is filed under this name, which no plugin has. */
const hostItself = '(host)';

/** The user as whom a plugin's `Client` speaks. */
export function userOf(plugin: Pick<AnyPlugin, 'name' | 'user'>): string {
  return plugin.user ?? `system:keelson:${plugin.name}`;
}

class ContainerHost implements Host {
  readonly plugins: readonly string[];
  readonly grants: readonly PluginGrant[];
  readonly #container = new Container({ defaultScope: 'Singleton' });
  readonly #graph: Graph;
  readonly #users: ReadonlyMap<string, string>;
  readonly #clients = new Map<string, Client>();
  readonly #runner: LifecycleRunner;
  readonly #stopping = new AbortController();
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: HostOptions) {
    const { clock = systemClock, random = systemRandom, logger = createLogger({ clock }) } = options;
    const selected = selectPlugins(options);
    const provided = selected.flatMap(({ plugin, options: own }) => register(plugin, own));
    this.plugins = selected.map(({ plugin }) => plugin.name);
    this.grants = selected.flatMap((each) => grantOf(each, provided));
    this.#users = new Map(selected.map(({ plugin }) => [plugin.name, userOf(plugin)]));
    const environment = definePlugin({
      name: hostItself,
      register: ({ provide }) => {
        provide.value(Clock, clock);
        provide.value(Random, random);
        provide.value(Logger, logger);
        provide.value(PluginGrants, this.grants);
      },
    });
    this.#graph = buildGraph([...register(environment, undefined), ...provided]);
    for (const each of this.#graph.provisions) this.#bind(each);
    this.#runner = new LifecycleRunner(clock, logger.named('host'));
  }

  get<const D extends Dependency>(dependency: D): Resolved<D> {
    const token = tokenOf(dependency);
    const provisions = this.#graph.byToken.get(token.id) ?? [];
    const values = provisions.map((each) => this.#container.get<unknown>(each.id));
    const single = !('all' in dependency);
    if (single && !('optional' in dependency)) {
      if (token.many) throw new HostError(`${token.name} is a list: ask for all(${token.name})`);
      if (values.length === 0) throw new HostError(`no plugin provides ${token.name}`);
    }
    // Each value was provided under this token, whose type `Provide` has checked.
    return (single ? values[0] : values) as Resolved<D>;
  }

  start(signal?: AbortSignal): Promise<void> {
    this.#starting ??= this.#start(signal);
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const follow = () => this.#stopping.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener('abort', follow, { once: true });
    try {
      await this.#runner.start(this.#lifecycles(), this.#stopping.signal);
    } catch (error) {
      await this.#runner.stop();
      throw error;
    } finally {
      signal?.removeEventListener('abort', follow);
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new HostError('the host is stopped'));
    // A start under way gives up at this, and reports to its own caller.
    await Promise.allSettled([this.#starting]);
    const errors = await this.#runner.stop();
    if (errors.length > 0) throw new AggregateError(errors, errors.map((each) => each.message).join('; '));
  }

  #lifecycles(): readonly OwnedLifecycle[] {
    const provisions = this.#graph.byToken.get(Lifecycles.id) ?? [];
    const lifecycles = this.get({ all: Lifecycles });
    return provisions.map(({ plugin }, at) => ({ plugin, lifecycle: lifecycles[at]! }));
  }

  #bind(provision: Provision): void {
    const { plugin, what, dependencies, make, id } = provision;
    const needed = dependencies.map((each) => providersOf(this.#graph, each));
    this.#container
      .bind<unknown>(id)
      .toResolvedValue(
        (...values: readonly unknown[]) => {
          let at = 0;
          const resolved = dependencies.map((dependency, index) => {
            const own = values.slice(at, at + needed[index]!.length);
            at += own.length;
            return 'all' in dependency ? own : this.#personal(plugin, tokenOf(dependency), own[0]);
          });
          try {
            return make(resolved);
          } catch (error) {
            if (error instanceof HostError) throw error;
            throw new HostError(`plugin "${plugin}": ${what} could not be made: ${messageOf(error)}`, { cause: error });
          }
        },
        needed.flat().map((each) => each.id),
      )
      .inSingletonScope();
  }

  /** What the plugin gets for a token: for `Client` and `Logger` something that carries the plugin's own name. */
  #personal(plugin: string, token: Token<unknown>, value: unknown): unknown {
    if (value === undefined || plugin === hostItself) return value;
    if (token.id === Logger.id) return (value as Logger).named(plugin);
    if (token.id !== Client.id || this.#graph.byToken.has(Client.id)) return value;
    let client = this.#clients.get(plugin);
    if (!client) {
      client = (value as Clients).as({ name: this.#users.get(plugin) ?? plugin });
      this.#clients.set(plugin, client);
    }
    return client;
  }
}

function grantOf({ plugin }: SelectedPlugin, provisions: readonly Provision[]): readonly PluginGrant[] {
  const grant = { plugin: plugin.name, user: userOf(plugin) };
  if (plugin.rules) return [{ ...grant, rules: plugin.rules }];
  if (plugin.user === undefined && usesClient(provisions, plugin.name)) return [{ ...grant, rules: 'cluster-admin' }];
  return [];
}
