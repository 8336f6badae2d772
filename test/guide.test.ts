import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const guide = join(root, 'docs/guide');
const names = readdirSync(guide).filter((each) => each.endsWith('.md'));

/** A block of code, and the file that the link before it names. */
interface Quotation {
  readonly page: string;
  readonly file: string;
  readonly code: string;
}

const quotations = names.flatMap((page): Quotation[] => {
  let file = '';
  const found: Quotation[] = [];
  const marks = /\]\(\.\.\/\.\.\/(examples\/guide\/[^)]+)\)|^```ts\n([\s\S]*?)^```$/gm;
  for (const [, link, code] of readFileSync(join(guide, page), 'utf8').matchAll(marks)) {
    if (link !== undefined) file = link;
    else found.push({ page, file, code: code ?? '' });
  }
  return found;
});

describe('the guide', () => {
  it('shows code that is tested: every block is of the file that is named before it', () => {
    const wrong = quotations.filter(({ file, code }) => {
      const lines = `\n${file === '' ? '' : readFileSync(join(root, file), 'utf8')}`;
      return !lines.includes(`\n${code}`);
    });
    expect(wrong.map(({ page, file, code }) => `${page}: not in ${file}:\n${code}`)).toEqual([]);
    expect(quotations.length).toBeGreaterThan(15);
  });

  it('names every file of its steps that says something of its own', () => {
    const steps = readdirSync(join(root, 'examples/guide'), { recursive: true, encoding: 'utf8' });
    const own = steps
      .filter((each) => each.startsWith('step-') && each.endsWith('.ts'))
      .filter(
        (each) => !/^export .* from '\.\.\/.*';\n$/.test(readFileSync(join(root, 'examples/guide', each), 'utf8')),
      );
    const text = names.map((each) => readFileSync(join(guide, each), 'utf8')).join('');
    expect(own.filter((each) => !text.includes(`](../../examples/guide/${each})`))).toEqual([]);
  });

  it('has every page in its table of contents', () => {
    const contents = readFileSync(join(guide, 'README.md'), 'utf8');
    expect(names.filter((each) => each !== 'README.md' && !contents.includes(`(${each})`))).toEqual([]);
  });
});
