#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runFlags, runFlagsHelp, runProgram, runSettings } from '@keelson/core/host';
import { loadPlugins } from './standalone/load-plugins.ts';
import { runBuiltIns } from './standalone/run-built-ins.ts';
import { leaseNameOf, listOfBuiltIns, selectBuiltIns } from './standalone/select-built-ins.ts';
import { readStandaloneConfig } from './standalone/standalone-config.ts';

const usage = `Runs built-in controllers and the scheduler against any Kubernetes cluster, until SIGINT or SIGTERM.

Usage: keelson-controller-manager <name>... [options]

  <name>                             what to run; --list names all. Names of kube-controller-manager are good as well.
  --list                             print the names, and the counterparts: who runs one of ours switches those off,
                                     by --controllers=*,-deployment-controller of kube-controller-manager
  --config <file>                    options by name, under "controllers" as in keelson.yaml; without names all of it is run
  --plugin <module>                  plugins of others, such as one of the scheduler's; may be given several times
  --use-service-account-credentials  each speaks as its own ServiceAccount in kube-system, by a token of its own
  --root-ca-file <file>              what root-ca publishes (default: the kubeconfig's authority)
  --leader-elect                     of several such processes one acts, the one that holds the Lease
  --leader-elect-resource-name <name>            (default: keelson- and the names)
  --leader-elect-resource-namespace <namespace>  (default: kube-system)
  --kubeconfig <file>
  --context <name>
  --metrics-bind-address <address>
  --health-probe-bind-address <address>

${runFlagsHelp}`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...runFlags,
      list: { type: 'boolean', default: false },
      config: { type: 'string' },
      plugin: { type: 'string', multiple: true, default: [] },
      'use-service-account-credentials': { type: 'boolean', default: false },
      'root-ca-file': { type: 'string' },
      'leader-elect-resource-name': { type: 'string' },
      'leader-elect-resource-namespace': { type: 'string', default: 'kube-system' },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  if (values.list) return void process.stdout.write(listOfBuiltIns());
  const config = values.config === undefined ? undefined : await readStandaloneConfig(values.config);
  const names = positionals.length > 0 ? positionals : (config?.names ?? []);
  if (names.length === 0) throw new Error(`name what to run\n\n${usage}`);
  const chosen = selectBuiltIns(names);
  const running = new Set(chosen.map(({ plugin }) => plugin.name));
  const plugins = (await Promise.all(values.plugin.map(loadPlugins))).flat();
  for (const each of plugins) running.add(each.name);
  const options = Object.entries(config?.options ?? {}).filter(([name]) => running.has(name));
  await runBuiltIns(chosen, {
    ...runSettings(values),
    plugins,
    options: Object.fromEntries(options),
    serviceAccounts: values['use-service-account-credentials'],
    leaderElection: values['leader-elect'] && {
      name: values['leader-elect-resource-name'] ?? leaseNameOf(chosen),
      namespace: values['leader-elect-resource-namespace'],
    },
    ...(values['root-ca-file'] !== undefined && { rootCa: await readFile(values['root-ca-file'], 'utf8') }),
  });
}

await runProgram(main);
