import {
  type ApiRequest,
  type Clock,
  type Event,
  IPAddress,
  isStatusError,
  type KubernetesObject,
  type Logger,
  microTimestamp,
  type ResourceType,
  Service,
  ServiceCIDR,
  timestamp,
} from '@keelson/core';
import type { ApiHandler, UserInfo } from '../registry/contract.ts';
import { defaultCidrName, ipAddressFor } from '../registry/strategies/services/address-book.ts';
import { planAddressRepair, planPortRepair, type RepairNote } from '../registry/strategies/services/repair-plan.ts';
import type { Allocators } from '../registry/strategies/services/service-allocation.ts';

export interface ServiceRepairOptions {
  readonly handler: ApiHandler;
  readonly allocators: Allocators;
  /** In whose name it reads and writes. */
  readonly user: UserInfo;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The server's own ranges: those of the ServiceCIDR `kubernetes`. */
  readonly serviceCidrs: readonly string[];
  /** Between two looks. Default three minutes. */
  readonly intervalMs?: number;
}

const threeMinutes = 180_000;
const graceMs = 60_000;
const source = 'ipallocator-repair-controller';
/** Who says that the default range is ready, as on a real server. */
const cidrManager = 'kubernetes-service-cidr-controller';

/**
 * Keeps the default ServiceCIDR there, and puts right what a crash between two writes leaves behind: IPAddresses and
 * ports that nobody has are given back after a while, those that a Service has and nobody knows of are taken again.
 * Any number of API servers may do this at once.
 */
export class ServiceRepair {
  readonly #options: ServiceRepairOptions;
  #suspects: ReadonlyMap<number, number> = new Map();

  constructor(options: ServiceRepairOptions) {
    this.#options = options;
  }

  /** Looks now and then, until the signal. A look that fails is logged, and the next one tries again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, intervalMs = threeMinutes } = this.#options;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('addresses and ports of Services could not be looked through', { error: String(error) });
      }
      try {
        await clock.sleep(intervalMs, signal);
      } catch {
        return;
      }
    }
  }

  /** One look. Rejects when the store or the API does. */
  async look(): Promise<void> {
    await this.ensureDefaultCidr();
    await this.#repairAddresses();
    await this.#repairPorts();
  }

  /** Makes the ServiceCIDR `kubernetes`, and says that it is ready where nobody has said anything of it. */
  async ensureDefaultCidr(): Promise<void> {
    const { serviceCidrs, clock } = this.#options;
    const target = { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' };
    const found = (await this.#list(ServiceCIDR)).find((each) => each.metadata.name === defaultCidrName);
    let cidr = found;
    if (!cidr) {
      const body = {
        kind: 'ServiceCIDR',
        apiVersion: 'networking.k8s.io/v1',
        metadata: { name: defaultCidrName },
        spec: { cidrs: serviceCidrs },
      };
      await this.#send({ ...target, verb: 'create', body }, 'AlreadyExists');
      cidr = (await this.#list(ServiceCIDR)).find((each) => each.metadata.name === defaultCidrName);
    }
    if (!cidr || cidr.metadata.deletionTimestamp || cidr.status?.conditions?.some((each) => each.type === 'Ready'))
      return;
    const ready = {
      type: 'Ready',
      status: 'True',
      message: 'Kubernetes default Service CIDR is ready',
      lastTransitionTime: timestamp(clock),
    };
    const body = {
      kind: 'ServiceCIDR',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: defaultCidrName },
      status: { conditions: [ready] },
    };
    const apply = {
      ...target,
      verb: 'patch' as const,
      name: defaultCidrName,
      subresource: 'status',
      patchType: 'application/apply-patch+yaml' as const,
      options: { fieldManager: cidrManager, force: true },
      body,
    };
    await this.#send(apply, 'Conflict', 'NotFound');
  }

  async #repairAddresses(): Promise<void> {
    const { allocators, clock } = this.#options;
    // IPAddresses first: one that is written later has a Service that is read later.
    const addresses = await this.#list(IPAddress);
    const services = await this.#list(Service);
    const ranges = await allocators.addresses.ranges();
    const plan = planAddressRepair({ services, addresses, ranges, now: clock.now(), graceMs });
    for (const each of plan.leaked) await allocators.addresses.remove(each);
    for (const { address, service } of plan.missing) {
      const body = ipAddressFor(address, service);
      const target = { group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses' };
      await this.#send({ ...target, verb: 'create', body }, 'AlreadyExists');
    }
    await this.#tell(plan.notes);
  }

  async #repairPorts(): Promise<void> {
    const { allocators } = this.#options;
    const services = await this.#list(Service);
    const { plan } = await allocators.ports.change((taken) => {
      const found = planPortRepair(services, taken, allocators.ports.range, this.#suspects);
      for (const each of found.missing) taken.add(each);
      for (const each of found.leaked) taken.delete(each);
      return { value: { plan: found }, changed: found.missing.length + found.leaked.length > 0 };
    });
    this.#suspects = plan.suspects;
    await this.#tell(plan.notes);
  }

  async #tell(notes: readonly RepairNote[]): Promise<void> {
    const { clock } = this.#options;
    for (const [at, { service, reason, action, message }] of notes.entries()) {
      const { namespace = '', name, uid = '', resourceVersion = '' } = service.metadata;
      const about = { kind: 'Service', apiVersion: 'v1', namespace, name, uid, resourceVersion };
      const unique = (BigInt(clock.now()) * 1_000_000n + BigInt(at)).toString(16);
      const body: Event = {
        kind: 'Event',
        apiVersion: 'v1',
        metadata: { name: `${name}.${unique}`, namespace },
        involvedObject: about,
        reason,
        message,
        action,
        type: 'Warning',
        eventTime: microTimestamp(clock),
        reportingComponent: source,
        reportingInstance: source,
      };
      await this.#send(
        { verb: 'create', group: '', version: 'v1', resource: 'events', namespace, body },
        'NotFound',
        'Forbidden',
      );
    }
  }

  async #list<T extends KubernetesObject>({ group, version, plural }: ResourceType<T>): Promise<readonly T[]> {
    const { handler, user } = this.#options;
    const answer = await handler.handle({ verb: 'list', group, version, resource: plural }, user);
    // Decoded by the schema of this kind.
    return answer.type === 'list' ? answer.value.items.map((each) => each.object as T) : [];
  }

  /** `expected`: reasons of a refusal that mean that somebody else was faster. */
  async #send(request: ApiRequest, ...expected: Parameters<typeof isStatusError>[1][]): Promise<void> {
    const { handler, user } = this.#options;
    try {
      await handler.handle(request, user);
    } catch (error) {
      if (!expected.some((each) => isStatusError(error, each))) throw error;
    }
  }
}
