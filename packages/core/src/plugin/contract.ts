import type { z } from 'zod';
import type { PolicyRule } from '../api/index.ts';

/** The name of a dependency that carries its type. `many` tokens collect every provision, in order of registration. */
export interface Token<T> {
  readonly name: string;
  readonly many: boolean;
  readonly id: symbol;
  /** Type only. */
  readonly __type?: T;
}

/** A dependency on every provision of a `many` token, as a read-only array. */
export interface AllOf<T> {
  readonly all: Token<T>;
}

/** A dependency that resolves to `undefined` where nobody provides it. */
export interface OptionalOf<T> {
  readonly optional: Token<T>;
}

/** What a part of a plugin may ask for: a token, all that is provided for one, or one that may be missing. */
export type Dependency = Token<unknown> | AllOf<unknown> | OptionalOf<unknown>;
/** What a dependency becomes where it is handed in. */
export type Resolved<D> =
  D extends AllOf<infer T>
    ? readonly T[]
    : D extends OptionalOf<infer T>
      ? T | undefined
      : D extends Token<infer T>
        ? T
        : never;
/** What a list of dependencies becomes, in its order. */
export type ResolvedAll<Ds extends readonly Dependency[]> = { readonly [K in keyof Ds]: Resolved<Ds[K]> };

/** Registers what a plugin offers. A wrong, missing or misplaced dependency is a compile error. Everything is a singleton. */
export interface Provide {
  <T, const Ds extends readonly Dependency[]>(
    token: Token<T>,
    type: new (...dependencies: [...ResolvedAll<Ds>]) => T,
    dependencies: Ds,
  ): void;
  value<T>(token: Token<T>, value: T): void;
  factory<T, const Ds extends readonly Dependency[]>(
    token: Token<T>,
    make: (...dependencies: [...ResolvedAll<Ds>]) => T,
    dependencies: Ds,
  ): void;
}

/** What `register` of a plugin works with. */
export interface PluginContext<Options> {
  readonly provide: Provide;
  /** The plugin's section of `keelson.yaml`, parsed by its schema. */
  readonly options: Options;
}

/** A name, what it provides, and what it needs. Made by `definePlugin`. */
export interface Plugin<Options = unknown> {
  readonly name: string;
  /** Parses the plugin's options; without it, any option is an error. */
  readonly options?: z.ZodType<Options>;
  /**
   * The user as whom the plugin's `Client` speaks, such as `system:kube-scheduler`; default `system:keelson:<name>`.
   * Kubernetes' bootstrap roles already know the names of its own controllers.
   */
  readonly user?: string;
  /** What that user may do beyond the roles it is bound to already. A plugin with neither `user` nor `rules` is bound to `cluster-admin`. */
  readonly rules?: readonly PolicyRule[];
  register(context: PluginContext<Options>): void;
}

/** Phases run in this order at start, and in reverse at stop; within a phase, in order of registration. */
export const phases = [
  'storage',
  'apiserver',
  'bootstrap',
  'informers',
  'controllers',
  'scheduler',
  'network',
  'node',
  'ready',
] as const;
/** When a `Lifecycle` is started, in this order; they are stopped in reverse. */
export type Phase = (typeof phases)[number];
