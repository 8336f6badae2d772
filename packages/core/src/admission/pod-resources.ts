import type { Container, ContainerStatus, Pod } from '../api/index.ts';
import { addQuantity, compareQuantity, parseQuantity, type Quantity } from '../machinery/index.ts';

/** Amounts by resource name: `cpu`, `memory`, `hugepages-2Mi`, `example.com/gpu` … */
export type Amounts = Readonly<Record<string, Quantity>>;

type Kind = 'requests' | 'limits';

/**
 * What a pod asks for as a whole (KEP-753, KEP-2837): the sum of its containers and sidecars or, where that is more, an
 * init container with the sidecars started before it; what is said for the whole pod counts instead; overhead on top.
 */
export function podRequests(pod: Pod): Amounts {
  return wholePod(pod, 'requests');
}

/**
 * As `podRequests` or `podLimits`, by what containers and pod say alone: without overhead, whatever is in use meanwhile,
 * and huge pages by the containers, as limit ranges have it.
 */
export function podAmountsAsWritten({ spec }: Pick<Pod, 'spec'>, kind: Kind): Amounts {
  const { overhead: _overhead, resources, ...written } = spec;
  const whole = Object.entries(resources?.[kind] ?? {}).filter(([name]) => !isHugePages(name));
  return wholePod({ spec: { ...written, resources: { [kind]: Object.fromEntries(whole) } } }, kind);
}

/** As `podRequests`, for limits; overhead only raises a limit that is there. */
export function podLimits(pod: Pod): Amounts {
  return wholePod(pod, 'limits');
}

function wholePod({ spec, status }: Pick<Pod, 'spec' | 'status'>, kind: Kind): Amounts {
  const statuses = new Map(
    [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map((each) => [each.name, each]),
  );
  const isInfeasible = (status?.conditions ?? []).some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  );
  const of = (container: Container) => ofContainer(container, statuses.get(container.name), kind, isInfeasible);
  let running: Amounts = {};
  for (const container of spec.containers ?? []) running = sum(running, of(container));
  let starting: Amounts = {};
  let sidecars: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === 'Always') {
      running = sum(running, own);
      sidecars = sum(sidecars, own);
      starting = larger(starting, sidecars);
    } else starting = larger(starting, sum(own, sidecars));
  }
  let total = larger(running, starting);
  const whole = parseAmounts(spec.resources?.[kind]);
  for (const [name, amount] of Object.entries(whole)) {
    if (isPodLevel(name)) total = { ...total, [name]: amount };
  }
  for (const [name, text] of Object.entries(spec.overhead ?? {})) {
    const known = total[name];
    if (kind === 'limits' && (known === undefined || known.nanos === 0n)) continue;
    total = { ...total, [name]: known === undefined ? parseQuantity(text) : addQuantity(known, text) };
  }
  return total;
}

/** What may be said of a pod as a whole. */
export const isPodLevel = (name: string) => name === 'cpu' || name === 'memory' || isHugePages(name);
const isHugePages = (name: string) => name.startsWith('hugepages-');

/**
 * While a container is being resized it holds the larger of what it has and what it is to have (KEP-1287); where its node
 * has said that this will never be, only what it has. A status that does not say what it has says nothing.
 */
function ofContainer(
  container: Container,
  status: ContainerStatus | undefined,
  kind: Kind,
  isInfeasible: boolean,
): Amounts {
  const wanted = parseAmounts(container.resources?.[kind]);
  if (status?.resources === undefined) return wanted;
  const has = parseAmounts(status.resources[kind]);
  const held = kind === 'requests' ? larger(has, parseAmounts(status.allocatedResources)) : has;
  return isInfeasible ? held : larger(wanted, held);
}

/**
 * Amounts of resources from their texts: `{ cpu: "100m" }`.
 * @throws QuantityError
 */
export function parseAmounts(amounts: Readonly<Record<string, string>> | undefined): Amounts {
  if (amounts === undefined) return {};
  return Object.fromEntries(Object.entries(amounts).map(([name, text]) => [name, parseQuantity(text)]));
}

export function sum(a: Amounts, b: Amounts): Amounts {
  const result: Record<string, Quantity> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const known = result[name];
    result[name] = known === undefined ? amount : addQuantity(known, amount);
  }
  return result;
}

function larger(a: Amounts, b: Amounts): Amounts {
  const result: Record<string, Quantity> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const known = result[name];
    if (known === undefined || compareQuantity(known, amount) < 0) result[name] = amount;
  }
  return result;
}
