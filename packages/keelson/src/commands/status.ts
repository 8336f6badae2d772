import { createClient, httpTransport, loadKubeconfig, Node, Pod } from '@keelson/core';
import { getCondition } from '@keelson/core/machinery';
import { readInstance } from '../instance.ts';
import { type ConfigFlags, resolveConfig } from './cluster-options.ts';

/** `keelson status`: exit code 0 when the cluster answers, 1 otherwise. */
export async function status(flags: ConfigFlags): Promise<void> {
  const { dataDir } = resolveConfig(flags);
  const instance = readInstance(dataDir);
  if (!instance?.alive) {
    process.stdout.write(`No cluster runs on ${dataDir}. Start one with \`keelson up\`.\n`);
    process.exitCode = 1;
    return;
  }
  const lines = [
    ['data', dataDir],
    ['process', `${instance.pid}, since ${instance.startedAt}`],
    ['API', instance.url],
    ['kubeconfig', instance.kubeconfig],
    ['runtime', instance.runtime],
    ['network', instance.network],
  ];
  const signal = AbortSignal.timeout(5000);
  try {
    const client = createClient(httpTransport(await loadKubeconfig(instance.kubeconfig)));
    const [nodes, pods] = await Promise.all([client.list(Node, { signal }), client.list(Pod, { signal })]);
    const ready = nodes.items.filter(
      (each) => getCondition(each.status?.conditions ?? [], 'Ready')?.status === 'True',
    ).length;
    const running = pods.items.filter((each) => each.status?.phase === 'Running').length;
    lines.push(
      ['nodes', `${ready} of ${nodes.items.length} ready`],
      ['pods', `${running} of ${pods.items.length} running`],
    );
  } catch (error) {
    lines.push(['health', `the API does not answer: ${(error as Error).message}`]);
    process.exitCode = 1;
  }
  process.stdout.write(`${lines.map(([name, value]) => `${`${name}:`.padEnd(12)}${value}`).join('\n')}\n`);
}
