#!/usr/bin/env node
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Operator } from './crd/index.ts';
import { type AnyPlugin, runFlags, runFlagsHelp, runPlugins, runProgram, runSettings } from './host/index.ts';

const usage = `Runs the operator that a file exports by default, or a list of them, until SIGINT or SIGTERM.

Usage: keelson-operator <file> [--leader-elect | --shards <number>] [--kubeconfig <file>] [--context <name>]
                        [--metrics-bind-address <address>] [--health-probe-bind-address <address>] [--record <directory>]
                        [--webhook-service <namespace>/<name>] [--webhook-certificates <directory>] [--webhooks-installed]

With --leader-elect one of several such processes works and the others are ready; with --shards all share the work,
divided into so many parts: several for each process, and the same number in all of them.

${runFlagsHelp}`;

/** What a container image starts: `keelson-operator operator.js --leader-elect`. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { ...runFlags, shards: { type: 'string' } },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (file === undefined || more.length > 0) throw new Error(`give one file\n\n${usage}`);
  const module = await load(file);
  const shards = values.shards === undefined ? undefined : Number(values.shards);
  const operators = operatorsIn(module, file);
  await runPlugins(operators as readonly AnyPlugin[], {
    ...runSettings(values),
    name: operators[0]?.name ?? 'operator',
    ...(shards !== undefined && { sharding: { shards } }),
  });
}

async function load(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION')) throw error;
    throw new Error(
      `Node.js ${process.versions.node} cannot run ${file} as it is: Node.js 24, or 22.18 and later, reads TypeScript; for others compile it first`,
      { cause: error },
    );
  }
}

/** One, or several that are one program: as `keelson manifests` writes it down. */
function operatorsIn(module: unknown, file: string): readonly Operator[] {
  const found: unknown =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  const all: readonly unknown[] = Array.isArray(found) ? found : [found];
  const operators = all.filter(isOperator);
  if (operators.length > 0 && operators.length === all.length) return operators;
  throw new Error(`${file} must export by default what defineOperator returns, or a list of that`);
}

function isOperator(value: unknown): value is Operator {
  return typeof value === 'object' && value !== null && 'name' in value && 'register' in value && 'crds' in value;
}

await runProgram(main);
