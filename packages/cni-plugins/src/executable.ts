import { text } from 'node:stream/consumers';
import { CniError, type CniRequest } from '@keelson/core/cni';
import { z } from 'zod';
import { RoutedNetwork } from './routed/routed-network.ts';

const configSchema = z.object({
  cniVersion: z.string().default('1.0.0'),
  name: z.string().default(''),
  type: z.string().default(''),
  podCidr: z.string(),
  clusterCidr: z.string(),
  dataDir: z.string(),
  mtu: z.number().optional(),
  'cni.dev/valid-attachments': z.array(z.object({ containerID: z.string(), ifname: z.string() })).default([]),
});

const supportedVersions = ['0.4.0', '1.0.0', '1.1.0'];

/** The CNI exec protocol (SPEC.md, section 2) around our own network: what containerd and any other runtime calls. */
async function main(): Promise<void> {
  const env = process.env;
  const command = env.CNI_COMMAND;
  const input: unknown = JSON.parse((await text(process.stdin)) || '{}');
  if (command === 'VERSION') {
    const asked = z.object({ cniVersion: z.string().default('1.0.0') }).parse(input);
    return answer({ cniVersion: asked.cniVersion, supportedVersions });
  }
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) throw new CniError(7, 'invalid network config', z.prettifyError(parsed.error));
  const config = parsed.data;
  if (!supportedVersions.includes(config.cniVersion))
    throw new CniError(
      1,
      `CNI version ${config.cniVersion} is not supported; supported are ${supportedVersions.join(', ')}`,
    );
  const network = new RoutedNetwork(config);
  const request: CniRequest = {
    containerId: env.CNI_CONTAINERID ?? '',
    netns: env.CNI_NETNS ?? '',
    ifName: env.CNI_IFNAME ?? 'eth0',
  };
  if (request.containerId === '' && ['ADD', 'DEL', 'CHECK'].includes(command ?? ''))
    throw new CniError(4, 'CNI_CONTAINERID is required');
  switch (command) {
    case 'ADD':
      return answer({ ...(await network.add(request)), cniVersion: config.cniVersion });
    case 'DEL':
      return network.del(request);
    case 'CHECK':
      return network.check(request);
    case 'STATUS':
      return network.status();
    case 'GC':
      return network.gc(
        config['cni.dev/valid-attachments'].map((each) => ({ containerId: each.containerID, ifName: each.ifname })),
      );
    default:
      throw new CniError(4, `CNI_COMMAND is ${command ?? 'not set'}; known are ADD, DEL, CHECK, STATUS, GC, VERSION`);
  }
}

const answer = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);

main().catch((error: unknown) => {
  const known =
    error instanceof CniError ? error : new CniError(999, error instanceof Error ? error.message : String(error));
  answer({
    cniVersion: '1.0.0',
    code: known.code,
    msg: known.message,
    ...(known.details && { details: known.details }),
  });
  process.exitCode = 1;
});
