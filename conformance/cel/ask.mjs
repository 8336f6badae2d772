// `node conformance/cel/ask.mjs`: asks Kubernetes' own CEL environment anew what the tests of packages/apiserver/src/cel/library
// hold, and writes its answers down. A new question is a line `{"e":"…"}` in one of the files. Needs `node conformance/build.mjs celask`.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../binaries.mjs';

const folder = fileURLToPath(new URL('../../packages/apiserver/src/cel/library/answers/', import.meta.url));
const celask = join(process.env.KEELSON_CONFORMANCE_BIN ?? join(cacheDir, 'bin'), 'celask');

for (const name of readdirSync(folder)) {
  const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n');
  const questions = lines.map((line) => JSON.stringify({ e: JSON.parse(line).e })).join('\n');
  const { status, stdout, stderr } = spawnSync(celask, ['-patches'], {
    input: questions,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) {
    console.error(`conformance/cel/ask.mjs: ${name}: ${stderr || 'celask is not there'}`);
    process.exit(1);
  }
  writeFileSync(join(folder, name), stdout);
  console.log(`${name}: ${lines.length} answers`);
}
