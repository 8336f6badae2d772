#!/usr/bin/env node
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Operator } from './crd/index.ts';
import { runOperator } from './host/index.ts';

const usage = `Runs the operator that a file exports by default, until SIGINT or SIGTERM.

Usage: keelson-operator <file> [--leader-elect] [--kubeconfig <file>] [--context <name>]
                        [--metrics-bind-address <address>] [--health-probe-bind-address <address>]

Addresses: a port on loopback (8080), a port on all addresses (:8080), or host:port. Default: nothing is served.

Without a kubeconfig: KUBECONFIG, ~/.kube/config, or the service account of the pod.
`;

/** What a container image starts: `keelson-operator operator.js --leader-elect`. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'leader-elect': { type: 'boolean', default: false },
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      'metrics-bind-address': { type: 'string' },
      'health-probe-bind-address': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (file === undefined || more.length > 0) throw new Error(`give one file\n\n${usage}`);
  const module: unknown = await import(pathToFileURL(resolve(file)).href);
  const { kubeconfig, context, 'metrics-bind-address': metrics, 'health-probe-bind-address': health } = values;
  await runOperator(operatorIn(module, file), {
    leaderElection: values['leader-elect'],
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    ...(metrics !== undefined && { metrics }),
    ...(health !== undefined && { health }),
  });
}

function operatorIn(module: unknown, file: string): Operator {
  const found: unknown =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (isOperator(found)) return found;
  throw new Error(`${file} must export by default what defineOperator returns`);
}

function isOperator(value: unknown): value is Operator {
  return typeof value === 'object' && value !== null && 'name' in value && 'register' in value && 'crds' in value;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
