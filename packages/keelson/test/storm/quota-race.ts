import {
  type Client,
  ConfigMap,
  isStatusError,
  Namespace,
  type NewObject,
  Pod,
  parseQuantity,
  ResourceQuota,
  ServiceAccount,
} from '@keelson/core';
import { eventually } from '../cluster-process.ts';
import { KnownState } from './known-state.ts';
import { type Seeded, seeded } from './seeded.ts';

const namespace = 'race';
const resources = ['pods', 'count/configmaps', 'requests.cpu'] as const;
type Resource = (typeof resources)[number];
type Room = Readonly<Record<Resource, string>>;
export const marker = 'in-plain-text-nowhere';

const pod = (name: string, cpu: string): NewObject<Pod> => ({
  metadata: { name, namespace },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: 'c', image: 'test/none', resources: { requests: { cpu } } }],
  },
});

/** Many clients that race each other for the room of one quota, and give back what they got. */
export class QuotaRace {
  readonly #pods = new KnownState<string>();
  readonly #configMaps = new KnownState<string>();
  readonly #random: Seeded;
  #named = 0;
  readonly counts = { made: 0, refused: 0, freed: 0, looks: 0 };

  readonly #hard: Room;

  constructor(random: Seeded, hard: Room = { pods: '30', 'count/configmaps': '40', 'requests.cpu': '900m' }) {
    this.#random = random;
    this.#hard = hard;
  }

  async prepare(client: Client): Promise<void> {
    await client.create(Namespace, { metadata: { name: namespace }, spec: {} });
    await client.create(ResourceQuota, { metadata: { name: 'room', namespace }, spec: { hard: this.#hard } });
    const ready = () => client.get(ServiceAccount, { name: 'default', namespace });
    await eventually(ready, () => true, 'the ServiceAccount of the namespace');
    const used = () => client.get(ResourceQuota, { name: 'room', namespace });
    await eventually(used, ({ status }) => status?.used?.['count/configmaps'] === '1', 'the first count');
  }

  /** One client: until the signal aborts, or by rejecting when the server is gone. */
  async client(client: Client, signal: AbortSignal): Promise<void> {
    const random = seeded(this.#random.below(2 ** 32));
    const own: { readonly type: 'pod' | 'configMap'; readonly name: string }[] = [];
    while (!signal.aborted) {
      const type = random.chance(0.6) ? 'pod' : 'configMap';
      const name = `${type.toLowerCase()}-${this.#named++}`;
      const full = await this.#create(client, type, name, `${10 + 10 * random.below(9)}m`);
      if (!full) own.push({ type, name });
      const given = full || random.chance(0.5) ? own.splice(random.below(own.length), 1)[0] : undefined;
      if (given) await this.#delete(client, given.type, given.name);
    }
  }

  /** Looks, as often as it can, whether there is more than there may be. Resolves to what it saw. */
  async watchOver(client: Client, signal: AbortSignal, seen: string[]): Promise<void> {
    while (!signal.aborted) {
      seen.push(...(await this.excess(client)));
      this.counts.looks++;
    }
  }

  /** What of the quota is exceeded now: by what is there, or by what is said to be used. */
  async excess(client: Client): Promise<readonly string[]> {
    const { truth } = await this.#truth(client);
    const quota = await client.get(ResourceQuota, { name: 'room', namespace });
    return resources.flatMap((name) => {
      const most = parseQuantity(this.#hard[name]).nanos;
      const said = parseQuantity(quota.status?.used?.[name] ?? '0').nanos;
      const over: string[] = [];
      if (truth[name] > most) over.push(`${name}: ${truth[name]} of ${most} are there`);
      if (said > most) over.push(`${name}: ${said} of ${most} are said to be used`);
      return over;
    });
  }

  /** What was lost or came back, and whether the status comes to what is there. */
  async afterRestart(client: Client): Promise<readonly string[]> {
    const { pods, configMaps } = await this.#truth(client);
    return [...this.#pods.compare(pods), ...this.#configMaps.compare(configMaps)];
  }

  /** Once nobody writes: the status comes to the truth. */
  async settles(client: Client): Promise<void> {
    const look = async () => {
      const { truth } = await this.#truth(client);
      const { status } = await client.get(ResourceQuota, { name: 'room', namespace });
      return resources.filter((name) => truth[name] !== parseQuantity(status?.used?.[name] ?? '-1').nanos);
    };
    await eventually(look, (wrong) => wrong.length === 0, 'what the quota says is what is there', 20_000);
  }

  async #create(client: Client, type: 'pod' | 'configMap', name: string, cpu: string): Promise<boolean> {
    try {
      if (type === 'pod') await this.#pods.write(name, cpu, () => client.create(Pod, pod(name, cpu)));
      else {
        const data = { cpu, marker };
        const send = () => client.create(ConfigMap, { metadata: { name, namespace }, data });
        await this.#configMaps.write(name, cpu, send);
      }
      this.counts.made++;
      return false;
    } catch (error) {
      if (!isStatusError(error, 'Forbidden') || !error.message.includes('exceeded quota')) throw error;
      this.counts.refused++;
      return true;
    }
  }

  async #delete(client: Client, type: 'pod' | 'configMap', name: string): Promise<void> {
    const ref = { name, namespace };
    if (type === 'pod') await this.#pods.write(name, undefined, () => client.delete(Pod, ref));
    else await this.#configMaps.write(name, undefined, () => client.delete(ConfigMap, ref));
    this.counts.freed++;
  }

  async #truth(client: Client) {
    const [pods, configMaps] = await Promise.all([
      client.list(Pod, { namespace }),
      client.list(ConfigMap, { namespace }),
    ]);
    const cpus = new Map(
      pods.items.map(({ metadata, spec }) => [
        metadata.name ?? '',
        String(spec?.containers[0]?.resources?.requests?.['cpu']),
      ]),
    );
    const own = configMaps.items.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt');
    const truth: Record<Resource, bigint> = {
      pods: BigInt(cpus.size) * 1_000_000_000n,
      'count/configmaps': BigInt(configMaps.items.length) * 1_000_000_000n,
      'requests.cpu': [...cpus.values()].reduce((sum, cpu) => sum + parseQuantity(cpu).nanos, 0n),
    };
    return {
      truth,
      pods: cpus,
      configMaps: new Map(own.map(({ metadata, data }) => [metadata.name ?? '', data?.['cpu'] ?? ''])),
    };
  }
}
