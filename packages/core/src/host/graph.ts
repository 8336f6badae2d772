import { Client, Clients } from '../client/index.ts';
import { type Dependency, Logger, type Token } from '../plugin/index.ts';
import { HostError, type Provision } from './registration.ts';

/** Who is asked for what: by token, the provisions that count, in order of registration. */
export interface Graph {
  /** For a list every provision, for a single token the last one alone. */
  readonly byToken: ReadonlyMap<symbol, readonly Provision[]>;
  /** Those that are not replaced, in order of registration. */
  readonly provisions: readonly Provision[];
}

/**
 * Checks that every dependency is provided and none needs itself; makes nothing.
 * @throws HostError that names plugin, class and token, or the path of the circle
 */
export function buildGraph(all: readonly Provision[]): Graph {
  const byToken = new Map<symbol, readonly Provision[]>();
  for (const each of all) {
    const before = byToken.get(each.token.id) ?? [];
    byToken.set(each.token.id, each.token.many ? [...before, each] : [each]);
  }
  const provisions = all.filter((each) => byToken.get(each.token.id)?.includes(each));
  const graph = { byToken, provisions };
  for (const each of provisions) for (const dependency of each.dependencies) requireProvided(graph, each, dependency);
  refuseCircles(graph);
  return graph;
}

export function tokenOf(dependency: Dependency): Token<unknown> {
  if ('all' in dependency) return dependency.all;
  if ('optional' in dependency) return dependency.optional;
  return dependency;
}

/**
 * The token behind a dependency, where the host makes something of its own for each plugin: `Client` speaks through
 * `Clients` as the plugin's user.
 */
export function standInFor(graph: Graph, token: Token<unknown>): Token<unknown> {
  return token.id === Client.id && !graph.byToken.has(Client.id) ? Clients : token;
}

/** What has to exist before the dependency can be given. */
export function providersOf(graph: Graph, dependency: Dependency): readonly Provision[] {
  return graph.byToken.get(standInFor(graph, tokenOf(dependency)).id) ?? [];
}

function requireProvided(graph: Graph, { plugin, what }: Provision, dependency: Dependency): void {
  if (dependency === undefined) {
    throw new HostError(
      `plugin "${plugin}": ${what} has a dependency that is undefined; do two modules import each other?`,
    );
  }
  const token = tokenOf(dependency);
  if ('all' in dependency || 'optional' in dependency) return;
  if (token.many) {
    throw new HostError(
      `plugin "${plugin}": ${what} needs the list ${token.name} as one dependency; write all(${token.name})`,
    );
  }
  const needed = standInFor(graph, token);
  if (graph.byToken.has(needed.id)) return;
  const through = needed === token ? '' : `, which the host makes from ${needed.name}`;
  throw new HostError(
    `plugin "${plugin}": ${what} needs ${token.name}${through}, and no plugin provides ${needed.name}`,
  );
}

function refuseCircles(graph: Graph): void {
  const done = new Set<Provision>();
  const path: Provision[] = [];
  const visit = (provision: Provision) => {
    if (done.has(provision)) return;
    const start = path.indexOf(provision);
    if (start >= 0) {
      const circle = [...path.slice(start), provision].map((each) => `${each.what} (plugin "${each.plugin}")`);
      throw new HostError(`plugins need each other in a circle: ${circle.join(' → ')}`);
    }
    path.push(provision);
    for (const dependency of provision.dependencies) for (const each of providersOf(graph, dependency)) visit(each);
    path.pop();
    done.add(provision);
  };
  for (const each of graph.provisions) visit(each);
}

/** Whether the plugin's objects speak with the API under the plugin's own name. */
export function usesClient(provisions: readonly Provision[], plugin: string): boolean {
  return provisions.some(
    (each) => each.plugin === plugin && each.dependencies.some((dependency) => tokenOf(dependency).id === Client.id),
  );
}

export function isLogger(token: Token<unknown>): boolean {
  return token.id === Logger.id;
}
