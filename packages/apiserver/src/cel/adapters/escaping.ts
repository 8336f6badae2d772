const keywords = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return'.split(' '),
);
const marks: readonly (readonly [string, string])[] = [
  ['__', '__underscores__'],
  ['.', '__dot__'],
  ['-', '__dash__'],
  ['/', '__slash__'],
];
const escapable = /^[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*$/;

/**
 * The name by which CEL reaches a property (kubernetes.io/docs/reference/using-api/cel, "Escaping"); undefined where it
 * has none.
 */
export function escapeName(name: string): string | undefined {
  if (keywords.has(name)) return `__${name}__`;
  if (!escapable.test(name)) return undefined;
  return name.replace(/__|[.\-/]/g, (mark) => marks.find(([from]) => from === mark)?.[1] ?? mark);
}

const escaped = /__(underscores|dot|dash|slash)__/g;

/** The property of a name that `escapeName` gave. */
export function unescapeName(name: string): string {
  if (!name.includes('__')) return name;
  const whole = /^__(\w+)__$/.exec(name)?.[1];
  if (whole !== undefined && keywords.has(whole)) return whole;
  return name.replace(escaped, (mark) => marks.find(([, to]) => to === mark)?.[0] ?? mark);
}
