// `node conformance/cel/ask.mjs`: asks Kubernetes' own CEL environment anew what the tests of packages/apiserver/src/cel
// hold, and writes its answers down. A new question is a line `{"e":"…"}` in one of the files. Needs `node conformance/build.mjs celask`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../binaries.mjs';

const cel = fileURLToPath(new URL('../../packages/apiserver/src/cel/', import.meta.url));
const celask = join(process.env.KEELSON_CONFORMANCE_BIN ?? join(cacheDir, 'bin'), 'celask');

/** Asks the questions of one file anew; `options` say what expressions may name. */
function ask(file, options) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const questions = lines.map((line) => JSON.stringify({ e: JSON.parse(line).e })).join('\n');
  const { status, stdout, stderr } = spawnSync(celask, options, {
    input: questions,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) {
    console.error(`conformance/cel/ask.mjs: ${file}: ${stderr || 'celask is not there'}`);
    process.exit(1);
  }
  writeFileSync(file, stdout);
  console.log(`${file}: ${lines.length} answers`);
}

const questionsIn = (folder) => readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
const libraries = join(cel, 'library/answers');
for (const name of questionsIn(libraries)) ask(join(libraries, name), ['-patches']);
// Of the language itself: about `self` by a schema, where a file of that name holds one, and else without variables.
const language = join(cel, 'answers');
for (const name of questionsIn(language)) {
  const subject = join(language, name.replace('.test-data.jsonl', '.json'));
  ask(join(language, name), existsSync(subject) ? ['-schema', subject] : ['-bare']);
}
