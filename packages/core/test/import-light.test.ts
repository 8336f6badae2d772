import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const index = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'index.ts');
/** Imports and re-exports of values; those of types are gone when the code runs, and `import(…)` runs when it is called. */
const staticImport = /^(?:import|export)\s+(?!type\b)[^;'"]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'/gm;

/** Every package that is loaded by importing the SDK, with the file that asks for it. */
function packagesBehind(entry: string): ReadonlyMap<string, string> {
  const packages = new Map<string, string>();
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, from, bare] of readFileSync(file, 'utf8').matchAll(staticImport)) {
      const specifier = from ?? bare ?? '';
      if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier));
      else if (!specifier.startsWith('node:')) packages.set(specifier, file);
    }
  };
  visit(entry);
  return packages;
}

it('importing the SDK loads neither the container nor any parser', () => {
  expect([...packagesBehind(index).keys()].toSorted()).toEqual(['rxjs/internal/Observable', 'rxjs/internal/Subject']);
});

it('importing the host loads the container', () => {
  expect([...packagesBehind(join(dirname(index), 'host', 'index.ts')).keys()]).toContain('inversify');
});
