import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function pagesIn(dir: string): ReadonlyMap<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.md'));
  return new Map(names.sort().map((each) => [each, readFileSync(join(dir, each), 'utf8')]));
}

it('every public name has a docstring, and the reference is what they say: else `npm run docs`', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reference-'));
  try {
    const script = join(root, 'scripts/reference.mjs');
    const { stderr, status } = spawnSync(process.execPath, [script, dir], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const [made, kept] = [pagesIn(dir), pagesIn(join(root, 'docs/reference'))];
    expect([...kept.keys()]).toEqual([...made.keys()]);
    expect([...made].filter(([name, text]) => kept.get(name) !== text).map(([name]) => name)).toEqual([]);
    expect([...made.values()].reduce((bytes, each) => bytes + each.length, 0)).toBeLessThan(1_500_000);
  } finally {
    rmSync(dir, { recursive: true });
  }
}, 300_000);
