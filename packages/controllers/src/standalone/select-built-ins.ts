import { type BuiltIn, builtIns } from './built-ins.ts';
import { nearest } from './nearest.ts';

/** As many names as `--list` fits; Leases may have 253 letters. */
const longestLease = 100;

/**
 * The built-ins that are named, in the order of the table; also by the names of kube-controller-manager.
 * @throws Error for a name that there is not, with the nearest that there is
 */
export function selectBuiltIns(names: readonly string[]): readonly BuiltIn[] {
  const wanted = new Set(names.map(builtInNamed));
  return builtIns.filter((each) => wanted.has(each));
}

function builtInNamed(name: string): BuiltIn {
  const found = builtIns.find((each) => namesOf(each).includes(name));
  if (found) return found;
  const close = nearest(name, builtIns.flatMap(namesOf));
  const hint = close ? `; did you mean "${close}"?` : '';
  throw new Error(`there is no plugin "${name}"${hint} (--list names all)`);
}

function namesOf({ plugin, replaces }: BuiltIn): readonly string[] {
  return plugin.name === 'scheduler' ? [plugin.name, 'kube-scheduler'] : [plugin.name, ...replaces];
}

/** Processes with other plugins do not wait for each other. */
export function leaseNameOf(chosen: readonly BuiltIn[]): string {
  const name = `keelson-${chosen.map(({ plugin }) => plugin.name).join('.')}`;
  if (name.length <= longestLease) return name;
  return `keelson-${chosen[0]?.plugin.name}.and-${chosen.length - 1}-more.${hash(name)}`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** What `--list` prints: names, counterparts, and what some need. */
export function listOfBuiltIns(): string {
  const width = Math.max(...builtIns.map(({ plugin }) => plugin.name.length));
  const lines = builtIns.flatMap(({ plugin, replaces, needs }) => {
    const instead = plugin.name === 'scheduler' ? 'kube-scheduler' : replaces.map((each) => `-${each}`).join(',');
    const own = `${plugin.name.padEnd(width)}  ${instead}`;
    return needs ? [own, `${' '.repeat(width)}  needs ${needs.token}: ${needs.what}`] : [own];
  });
  return `${lines.join('\n')}\n`;
}
