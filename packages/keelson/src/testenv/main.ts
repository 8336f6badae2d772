#!/usr/bin/env node
import { createLogger } from '../logger.ts';
import { etcdHelp, runEtcdStandIn } from './etcd-stand-in.ts';
import { apiServerHelp } from './kube-apiserver-flags.ts';

const programs = {
  etcd: { help: etcdHelp, version: 'etcd Version: 3.6.8', run: runEtcdStandIn },
  'kube-apiserver': {
    help: apiServerHelp,
    version: 'Kubernetes v1.35.4',
    async run(args: readonly string[], signal: AbortSignal) {
      // Who only asks for help does not wait for it.
      const { runKubeApiServer } = await import('./kube-apiserver.ts');
      await runKubeApiServer(args, createLogger('text', 'warn'), signal);
    },
  },
} as const;

const isProgram = (name: string): name is keyof typeof programs => name in programs;

/** What the scripts of `keelson testenv` run: a program's name, and the flags that the real one takes. */
async function main([name = '', ...args]: readonly string[]): Promise<void> {
  if (!isProgram(name)) throw new Error(`no program ${name}: one of ${Object.keys(programs).join(', ')}`);
  const { help, version, run } = programs[name];
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(help);
  else if (args.includes('--version')) process.stdout.write(`${version}\n`);
  else {
    const stop = new AbortController();
    for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(each, () => stop.abort());
    await run(args, stop.signal);
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
