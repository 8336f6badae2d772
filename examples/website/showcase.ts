import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createCluster, createLogger, Progress, resolveConfig, runUntilSignal, UserError } from 'keelson';
import operator from './operator.ts';
import { buildShowcaseImage, image, runWebsite } from './website.ts';

const help = `npm start -- [options]: a cluster, an operator on it, and a web site by the operator

  --once                 verify that it works, stop, and exit
  --config FILE          configuration (default: keelson.yaml, if there is one)
  --data-dir DIR         where the cluster is kept (default: .keelson)
  --port N               port of the API on loopback (default 6443; 0 takes a free one)
  --runtime NAME         auto, process or remote
  --log-level LEVEL      debug, info, warn or error (default: warn)`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values: flags } = parseArgs({
    options: {
      once: { type: 'boolean' },
      help: { type: 'boolean' },
      config: text,
      'data-dir': text,
      port: text,
      runtime: text,
      'log-level': text,
    },
  });
  if (flags.help) return void console.log(help);
  const resolved = resolveConfig({
    ...flags,
    dataDir: flags['data-dir'],
    port: flags.port === undefined ? undefined : Number(flags.port),
  });
  const progress = new Progress(process.stdout);
  progress.say(`Keelson: a Kubernetes cluster in one process, on Node ${process.versions.node}.`);
  const cluster = await createCluster({
    ...resolved,
    logger: createLogger('text', flags['log-level'] ?? 'warn'),
    progress,
    plugins: [operator],
  });
  const imagesDir = join(resolved.dataDir, 'images');
  mkdirSync(imagesDir, { recursive: true, mode: 0o700 });
  await buildShowcaseImage(imagesDir);
  progress.done(`image ${image} built from this Node`);
  await runUntilSignal(cluster, progress, async (signal) => {
    const { page, url } = await runWebsite(cluster, progress, signal);
    progress.say(`\n    ${page}\n`);
    if (flags.once) return 'stop';
    progress.say(`That page came through the Service from two pods: ${url}
The cluster stays up until Ctrl-C. Its kubeconfig: ${cluster.kubeconfig}

Try, in another terminal:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get websites,deployments,pods,services -o wide
  kubectl patch website hello --type merge -p '{"spec":{"replicas":3}}'
  kubectl logs -f -l website=hello`);
    return undefined;
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof UserError ? error.message : error);
  process.exitCode = 1;
});
