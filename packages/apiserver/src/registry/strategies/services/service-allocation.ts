import { type Service, type ServicePort, type ServiceSpec, StatusError } from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { FieldErrors, type Reservation } from '../../strategy.ts';
import { type AddressBook, AllocationError } from './address-book.ts';
import { settleFamilies } from './ip-families.ts';
import type { NodePortLedger, PortSet } from './node-port-ledger.ts';
import { clusterIpsOf, isHeadless, needsHealthPort, nodePortsOf, takesNodePorts } from './service-kinds.ts';

export interface Allocators {
  readonly addresses: AddressBook;
  readonly ports: NodePortLedger;
}

/** Ends the request: what is wrong with addresses and ports is said before all else, and alone. */
function refuse(service: Draft<Service>, errors: FieldErrors): void {
  if (errors.list.length > 0) {
    throw StatusError.invalid({ group: '', resource: 'Service' }, service.metadata.name, errors.list);
  }
}

function fail(service: Draft<Service>, field: string, value: unknown, error: unknown, prefix = ''): never {
  if (!(error instanceof AllocationError)) throw error;
  const errors = new FieldErrors();
  errors.invalid(field, value, prefix + error.message);
  refuse(service, errors);
  throw error;
}

/** Takes what a Service needs and has not, and remembers what it no longer needs. Rejects with `Invalid`. */
export async function allocate(
  service: Draft<Service>,
  old: Service | undefined,
  { addresses, ports }: Allocators,
  dryRun: boolean,
): Promise<Reservation> {
  const errors = new FieldErrors();
  settleFamilies(service, old, addresses.families, errors);
  checkHealthPort(service, old, errors);
  refuse(service, errors);
  const owner = { metadata: { ...service.metadata } };
  const heldIps = new Set(old ? clusterIpsOf(old) : []);
  const heldPorts = new Set(old ? nodePortsOf(old) : []);
  const tookIps: string[] = [];
  let tookPorts: readonly number[] = [];
  const release = async () => {
    if (dryRun) return;
    for (const each of tookIps) await addresses.release(each, owner);
    await ports.release(tookPorts);
  };
  try {
    await takeAddresses(service, old, addresses, tookIps, dryRun);
    tookPorts = await takePorts(service, heldPorts, ports, dryRun);
  } catch (error) {
    await release();
    throw error;
  }
  return {
    release,
    async commit() {
      const [ips, numbers] = [new Set(clusterIpsOf(service as Service)), new Set(nodePortsOf(service as Service))];
      for (const each of heldIps) if (!ips.has(each)) await addresses.release(each, owner);
      await ports.release([...heldPorts].filter((each) => !numbers.has(each)));
    },
  };
}

/** Gives everything back that a Service held. */
export async function releaseAll(service: Service, { addresses, ports }: Allocators): Promise<void> {
  for (const each of clusterIpsOf(service)) await addresses.release(each, service);
  await ports.release(nodePortsOf(service));
}

async function takeAddresses(
  service: Draft<Service>,
  old: Service | undefined,
  addresses: AddressBook,
  took: string[],
  dryRun: boolean,
): Promise<void> {
  const spec = service.spec ?? {};
  if (spec.type === 'ExternalName' || isHeadless(spec as ServiceSpec)) return;
  const had = old && old.spec?.type !== 'ExternalName' ? (old.spec?.clusterIPs ?? []) : undefined;
  // One that was made by way of its status never came by here: Kubernetes gives it none later, either, and takes one
  // that is asked for as it is, for its repair to write down.
  if (had?.length === 0) return;
  const owner = { metadata: { ...service.metadata } };
  const given = spec.clusterIPs ?? [];
  const result: string[] = [];
  // What it has it keeps: that another one is asked for in its place is for validation to say.
  const has = had?.length ?? 0;
  for (const [at, family] of (spec.ipFamilies ?? []).entries()) {
    const wanted = given[at];
    try {
      if (wanted && at < has) result.push(wanted);
      else if (wanted) {
        await addresses.take(wanted, owner, dryRun);
        took.push(wanted);
        result.push(wanted);
      } else {
        const address = await addresses.next(family === 'IPv6' ? 'IPv6' : 'IPv4', owner, dryRun);
        took.push(address);
        result.push(address);
      }
    } catch (error) {
      // The record of an address is held to the rules of its own kind, as its Service's name may not be.
      if (error instanceof StatusError && error.code === 422) {
        const why = new AllocationError(error.message);
        fail(
          service,
          'spec.clusterIPs',
          wanted ? given : [''],
          why,
          `failed to allocate IP${wanted ? ` ${wanted}` : ''}: `,
        );
      }
      const prefix = wanted ? `failed to allocate IP ${wanted}: ` : 'failed to allocate a serviceIP: ';
      fail(service, 'spec.clusterIPs', wanted ? given : [''], error, prefix);
    }
  }
  if (result.length === 0) return;
  spec.clusterIPs = result;
  spec.clusterIP = result[0] ?? '';
}

/** Whoever has a port for health checks keeps it. */
function checkHealthPort(service: Draft<Service>, old: Service | undefined, errors: FieldErrors): void {
  const spec = service.spec ?? {};
  const before = old?.spec;
  if (!before || !needsHealthPort(before) || !needsHealthPort(spec as ServiceSpec)) return;
  if ((spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0)) {
    errors.forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
}

/** Answers with the ports that are newly taken. */
async function takePorts(
  service: Draft<Service>,
  held: ReadonlySet<number>,
  ledger: NodePortLedger,
  dryRun: boolean,
): Promise<readonly number[]> {
  const spec = service.spec ?? {};
  const wantsPorts = takesNodePorts(spec as ServiceSpec) || hasExplicitPorts(spec);
  const wantsHealth = needsHealthPort(spec as ServiceSpec) && !held.has(spec.healthCheckNodePort ?? 0);
  if (!wantsPorts && !wantsHealth) return [];
  if (dryRun) {
    assign(service, held, new DryPorts(ledger.range));
    return [];
  }
  const given = structuredClone(spec.ports);
  const health = spec.healthCheckNodePort;
  return ledger.change((taken) => {
    // An attempt before this one may have written into the draft.
    if (given) spec.ports = structuredClone(given);
    if (health === undefined) delete spec.healthCheckNodePort;
    else spec.healthCheckNodePort = health;
    const ports = new RealPorts(taken, ledger);
    assign(service, held, ports);
    return { value: ports.took, changed: ports.took.length > 0 };
  });
}

const hasExplicitPorts = (spec: Draft<ServiceSpec>) =>
  spec.type === 'LoadBalancer' && (spec.ports ?? []).some((each) => each.nodePort);

interface Ports {
  /** Throws `AllocationError`. */
  take(port: number): void;
  next(): number;
}

class RealPorts implements Ports {
  readonly took: number[] = [];
  readonly #taken: PortSet;
  readonly #ledger: NodePortLedger;

  constructor(taken: PortSet, ledger: NodePortLedger) {
    this.#taken = taken;
    this.#ledger = ledger;
  }

  take(port: number): void {
    const { first, last } = this.#taken;
    if (!this.#taken.contains(port)) {
      throw new AllocationError(
        `provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
      );
    }
    if (this.#taken.has(port)) throw new AllocationError('provided port is already allocated');
    this.#taken.add(port);
    this.took.push(port);
  }

  next(): number {
    const port = this.#ledger.pick(this.#taken);
    this.took.push(port);
    return port;
  }
}

/** Of a dry run: numbers that nobody can have. */
class DryPorts implements Ports {
  readonly #taken = new Set<number>();
  #last: number;

  constructor([, last]: readonly [number, number]) {
    this.#last = last + 1;
  }
  take(port: number): void {
    if (this.#taken.has(port)) throw new AllocationError('provided port is already allocated');
    this.#taken.add(port);
  }
  next(): number {
    return ++this.#last;
  }
}

/** One number serves a port in all its protocols. */
function assign(service: Draft<Service>, held: ReadonlySet<number>, ports: Ports): void {
  const spec = service.spec ?? {};
  const byPort = new Map<number, number>();
  const own = new Set<number>();
  const automatic = takesNodePorts(spec as ServiceSpec);
  if (automatic || hasExplicitPorts(spec)) {
    spec.ports?.forEach((port, at) => {
      const shared = byPort.get(port.port);
      if (!port.nodePort && shared !== undefined) {
        port.nodePort = shared;
        return;
      }
      const wanted = port.nodePort || (shared === undefined ? requested(spec.ports ?? [], port.port) : 0);
      try {
        if (wanted) {
          if (wanted !== shared && !(held.has(wanted) && !own.has(wanted))) ports.take(wanted);
          port.nodePort = wanted;
          own.add(wanted);
        } else if (automatic) port.nodePort = ports.next();
      } catch (error) {
        const prefix = wanted ? '' : 'failed to allocate a nodePort: ';
        fail(service, `spec.ports[${at}].nodePort`, port.nodePort ?? 0, error, prefix);
      }
      if (port.nodePort) byPort.set(port.port, port.nodePort);
    });
  }
  if (!needsHealthPort(spec as ServiceSpec)) return;
  const health = spec.healthCheckNodePort ?? 0;
  if (health !== 0 && held.has(health)) return;
  try {
    if (health > 0) ports.take(health);
    else if (health === 0) spec.healthCheckNodePort = ports.next();
  } catch (error) {
    fail(service, 'spec.healthCheckNodePort', health, error, 'failed to allocate requested HealthCheck NodePort: ');
  }
}

/** What somebody asks for the same port in another protocol. */
const requested = (ports: readonly Draft<ServicePort>[], port: number) =>
  ports.find((each) => each.port === port && each.nodePort)?.nodePort ?? 0;
