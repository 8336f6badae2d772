import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Not told to users; or tested elsewhere: guide.test.ts. */
const elsewhere = new Set(['plans', 'decisions', 'guide', 'reference']);

function pages(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return elsewhere.has(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Programs of the documents: blocks of TypeScript that begin with an import. */
const programs = [join(root, 'README.md'), ...pages(join(root, 'docs'))].flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^```ts\n(import [\s\S]*?)^```$/gm)].map(([, code = ''], at) => ({
    name: `${relative(root, page).replaceAll(/[^A-Za-z0-9]+/g, '-')}-${at + 1}`,
    code,
  })),
);

it('every program in the documents compiles', () => {
  const dir = join(root, 'node_modules/.cache/documents');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  // Pages that go on from the README import its operator.
  copyFileSync(join(root, 'examples/smallest/operator.ts'), join(dir, 'operator.ts'));
  for (const { name, code } of programs) writeFileSync(join(dir, `${name}.ts`), code);
  const config = {
    extends: '../../../tsconfig.json',
    compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/typescript-native/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', dir], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(programs.length).toBeGreaterThan(5);
}, 60_000);

it('the operator in the README is the one that is tested, and no longer than forty lines', () => {
  const operator = readFileSync(join(root, 'examples/smallest/operator.ts'), 'utf8').trim();
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`ts\n${operator}\n\`\`\``);
  expect(operator.split('\n').length).toBeLessThanOrEqual(40);
});

/** All that is written for people, and below which folder. */
const written = [join(root, 'README.md'), ...everyPage(join(root, 'docs'))];

function everyPage(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((each) => each.endsWith('.md'))
    .map((each) => join(dir, each));
}

/** What a link can name in a page: its headings, as GitHub names them. */
function anchorsIn(page: string): ReadonlySet<string> {
  const counts = new Map<string, number>();
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const name = heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
  return new Set(headings);
}

const prose = (page: string) => readFileSync(page, 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');

it('every link in the documents leads somewhere', () => {
  const anchors = new Map(written.map((each) => [each, anchorsIn(each)]));
  const broken = written.flatMap((page) =>
    [...prose(page).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, target = '']) => !/^[a-z]+:/.test(target))
      .filter(([, target = '', anchor]) => {
        const file = target === '' ? page : join(dirname(page), target);
        return !existsSync(file) || (anchor !== undefined && anchors.get(file)?.has(anchor) === false);
      })
      .map(([link]) => `${relative(root, page)}: ${link}`),
  );
  expect(broken).toEqual([]);
});

it('the table of documents names them all', () => {
  const table = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const single = written
    .map((each) => relative(join(root, 'docs'), each))
    .filter((each) => !/^(README\.md|(guide|reference|decisions|plans)\/)/.test(each));
  expect(single.filter((each) => !table.includes(`(${each})`))).toEqual([]);
  const examples = readdirSync(join(root, 'examples')).map((each) => `../examples/${each}`);
  expect(examples.filter((each) => !table.includes(`(${each})`))).toEqual([]);
});
