import { CSINode, type CSINodeDriver, Node } from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import type { CsiDriver } from '@keelson/core/csi';
import { deepEqual, isStatusError } from '@keelson/core/machinery';

/** Says which CSI drivers a node has, under which id, and their topology (storage.k8s.io CSINode). */
export async function publishCsiNode(
  options: {
    readonly nodeName: string;
    readonly client: Client;
    readonly drivers: ReadonlyMap<string, CsiDriver>;
    readonly node: Node | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const { nodeName, client } = options;
  const drivers: CSINodeDriver[] = [];
  for (const [name, driver] of options.drivers) {
    const { nodeId = '', maxVolumesPerNode = 0, accessibleTopology } = await driver.node.nodeGetInfo({}, signal);
    drivers.push({
      name,
      nodeID: nodeId,
      topologyKeys: Object.keys(accessibleTopology?.segments ?? {}),
      ...(maxVolumesPerNode > 0 && { allocatable: { count: maxVolumesPerNode } }),
    });
    await labelTopology(client, nodeName, accessibleTopology?.segments ?? {}, signal);
  }
  const owner = options.node && {
    apiVersion: 'v1',
    kind: 'Node',
    name: nodeName,
    uid: options.node.metadata.uid ?? '',
  };
  const metadata = { name: nodeName, ...(owner && { ownerReferences: [owner] }) };
  try {
    await client.create(CSINode, { metadata, spec: { drivers } }, { signal });
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error;
    const present = await client.get(CSINode, { name: nodeName }, { signal });
    if (deepEqual(present.spec.drivers, drivers)) return;
    await client.update(CSINode, { ...present, spec: { drivers } }, { signal });
  }
}

async function labelTopology(
  client: Client,
  name: string,
  segments: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  if (Object.keys(segments).length === 0) return;
  await client.patch(Node, { name }, { strategic: { metadata: { labels: segments } } }, { signal });
}
