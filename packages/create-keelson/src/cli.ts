#!/usr/bin/env node
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createProject, ProjectError } from './create-project.ts';

const usage = `Makes a Kubernetes operator in TypeScript, with its test.

Usage: npm create keelson <folder> [-- --name <name> --kind <Kind> --group <domain>]

  --name   of the operator (default: the folder's name)
  --kind   of its custom resource, in CamelCase (default: made of the name)
  --group  its API group, a domain of your own (default: example.com)
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      kind: { type: 'string' },
      group: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [directory, ...more] = positionals;
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (directory === undefined || more.length > 0) throw new ProjectError(`give one folder\n\n${usage}`);
  const { name, kind, group } = values;
  const files = await createProject({
    directory,
    ...(name !== undefined && { name }),
    ...(kind !== undefined && { kind }),
    ...(group !== undefined && { group }),
  });
  const place = relative(process.cwd(), directory) || '.';
  process.stdout.write(
    `${files.map((each) => `  ${each}`).join('\n')}\n\nGo on with:\n  cd ${place}\n  npm install\n  npm test\n  npm run dev\n`,
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
