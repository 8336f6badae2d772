import { messageOf } from '../machinery/index.ts';
import type { Dependency, Plugin, Provide, ResolvedAll, Token } from '../plugin/index.ts';

/** One `provide(…)` of a plugin, before anything is made. */
export interface Provision {
  readonly plugin: string;
  readonly token: Token<unknown>;
  /** For people: the class's name, or what stands in for one. */
  readonly what: string;
  readonly dependencies: readonly Dependency[];
  readonly make: (dependencies: readonly unknown[]) => unknown;
  /** What the container files it under. */
  readonly id: symbol;
}

/** A mistake in how plugins are put together, found before anything starts. */
export class HostError extends Error {
  override readonly name = 'HostError';
}

/**
 * Runs the plugin's `register` and collects what it provides.
 * @throws HostError when the plugin's own code throws, with its name
 */
export function register(plugin: Plugin<unknown>, options: unknown): readonly Provision[] {
  const provisions: Provision[] = [];
  const add = (token: Token<unknown>, what: string, dependencies: readonly Dependency[], make: Provision['make']) => {
    const id = Symbol(`${plugin.name}: ${what}`);
    provisions.push({ plugin: plugin.name, token, what, dependencies, make, id });
  };
  // The types of `Provide` have checked each dependency against its parameter: that is what the casts below rest on.
  const provide: Provide = Object.assign(
    <T, const Ds extends readonly Dependency[]>(
      token: Token<T>,
      type: new (...dependencies: [...ResolvedAll<Ds>]) => T,
      dependencies: Ds,
    ) => add(token, type.name, dependencies, (resolved) => new type(...(resolved as [...ResolvedAll<Ds>]))),
    {
      value<T>(token: Token<T>, value: T) {
        add(token, `the value of ${token.name}`, [], () => value);
      },
      factory<T, const Ds extends readonly Dependency[]>(
        token: Token<T>,
        make: (...dependencies: [...ResolvedAll<Ds>]) => T,
        dependencies: Ds,
      ) {
        const what = make.name === '' ? `the factory of ${token.name}` : make.name;
        add(token, what, dependencies, (resolved) => make(...(resolved as [...ResolvedAll<Ds>])));
      },
    },
  );
  try {
    plugin.register({ provide, options });
  } catch (error) {
    throw new HostError(`plugin "${plugin.name}" failed to register: ${messageOf(error)}`, { cause: error });
  }
  return provisions;
}
