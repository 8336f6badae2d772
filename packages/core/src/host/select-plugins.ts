import type { Plugin } from '../plugin/index.ts';
import { HostError } from './registration.ts';

/** A plugin whatever its options are; each parses its own. */
export type AnyPlugin = Plugin<unknown>;

export interface PluginSelection {
  readonly plugins: readonly AnyPlugin[];
  readonly disable?: readonly string[];
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A plugin that will run, with its parsed options. */
export interface SelectedPlugin {
  readonly plugin: AnyPlugin;
  readonly options: unknown;
}

/**
 * Later plugins replace earlier ones of the same name, in the earlier one's place; disabled ones go.
 * @throws HostError for an unknown name in `disable` or `options`, and for options that do not fit, with their path
 */
export function selectPlugins({ plugins, disable = [], options = {} }: PluginSelection): readonly SelectedPlugin[] {
  const byName = new Map<string, AnyPlugin>();
  for (const each of plugins) byName.set(each.name, each);
  const known = [...byName.keys()];
  const requireKnown = (name: string, where: string) => {
    if (!byName.has(name)) {
      throw new HostError(`${where}: there is no plugin "${name}"; known are ${known.toSorted().join(', ')}`);
    }
  };
  for (const name of disable) requireKnown(name, 'disable');
  for (const name of Object.keys(options)) requireKnown(name, 'options');
  return [...byName.values()]
    .filter((each) => !disable.includes(each.name))
    .map((plugin) => ({ plugin, options: parseOptions(plugin, options[plugin.name]) }));
}

function parseOptions(plugin: AnyPlugin, given: unknown): unknown {
  if (!plugin.options) {
    if (given !== undefined && !isEmptyObject(given))
      throw new HostError(`options.${plugin.name}: this plugin takes no options`);
    return undefined;
  }
  // Without any options the schema still gets to say its defaults, or that something is required.
  const parsed = plugin.options.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(
    (issue: { readonly path: readonly PropertyKey[]; readonly message: string }) =>
      `${['options', plugin.name, ...issue.path].map(String).join('.')}: ${issue.message}`,
  );
  throw new HostError(lines.join('\n'));
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
