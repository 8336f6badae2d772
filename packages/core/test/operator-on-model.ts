import {
  Clients,
  CustomResourceDefinition,
  createClient,
  type DefinedResource,
  definePlugin,
  type Operator,
  type Transport,
} from '@keelson/core';
import {
  controllerManagerPlugin,
  createHost,
  createLogger,
  eventRecorderPlugin,
  informersPlugin,
  Manager,
} from '@keelson/core/host';
import type { FakeClock } from '@keelson/core/testing';
import type { ModelApi } from './model-api.ts';

/** Makes the model say that a kind is served: it does not establish definitions itself. */
export async function establish(api: ModelApi, { crd }: DefinedResource): Promise<void> {
  const client = createClient(api);
  const created = await client.create(CustomResourceDefinition, crd);
  const status = { conditions: [{ type: 'Established' as const, status: 'True' as const }] };
  await client.update(CustomResourceDefinition, { ...created, status });
}

/** A whole operator without a socket, in time that stands still. */
export async function startOnModel(operator: Operator, transport: Transport, clock: FakeClock) {
  const lines: string[] = [];
  const client = createClient(transport);
  const connection = definePlugin({
    name: 'connection',
    register: ({ provide }) => provide.value(Clients, { as: () => client }),
  });
  const host = createHost({
    plugins: [connection, informersPlugin, eventRecorderPlugin, controllerManagerPlugin, operator],
    logger: createLogger({ level: 'warn', write: (line) => lines.push(line), clock }),
    clock,
    random: () => 0.5,
  });
  await host.start();
  return { host, lines, traces: host.get(Manager).traces, stop: () => host.stop() };
}
