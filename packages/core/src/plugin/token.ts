import type { AllOf, OptionalOf, Plugin, Token } from './contract.ts';

/**
 * Declares a dependency that exactly one plugin provides; a later provision replaces an earlier one. Its name is its
 * identity, also across two installed copies of this package: give tokens of your own a prefix, `acme/Mailer`.
 */
export function token<T>(name: string): Token<T> {
  return { name, many: false, id: Symbol.for(`keelson/${name}`) };
}

/** Declares an ordered list that any plugin may add to. */
export function tokenList<T>(name: string): Token<T> {
  return { name, many: true, id: Symbol.for(`keelson/${name}`) };
}

/** A dependency on everything that plugins provide for the token, as a list that may be empty. */
export function all<T>(list: Token<T>): AllOf<T> {
  return { all: list };
}

/** A dependency that is `undefined` where no plugin provides it. */
export function optional<T>(dependency: Token<T>): OptionalOf<T> {
  return { optional: dependency };
}

/** Only defines: nothing runs until a host registers the plugin. */
export function definePlugin<Options = undefined>(plugin: Plugin<Options>): Plugin<Options> {
  return plugin;
}
