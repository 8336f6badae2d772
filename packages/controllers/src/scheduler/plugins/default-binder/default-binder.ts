import { type Client, Pod } from '@keelson/core';
import type { CycleState, SchedulerPlugin, SchedulingStatus } from '@keelson/core/scheduling';

/** Writes the decision: a Binding to the pod's `binding` subresource. */
export class DefaultBinder implements SchedulerPlugin {
  readonly name = 'DefaultBinder';
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  async bind(pod: Pod, nodeName: string, _state: CycleState, signal: AbortSignal): Promise<SchedulingStatus> {
    const { name, namespace, uid } = pod.metadata;
    await this.client.createSubresource(
      Pod,
      pod.metadata,
      'binding',
      {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: nodeName },
      },
      { signal },
    );
    return undefined;
  }
}
