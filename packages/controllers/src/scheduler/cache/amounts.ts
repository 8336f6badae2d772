import type { Container, Pod } from '@keelson/core';
import type { ResourceAmounts } from '@keelson/core/scheduling';
import { quantityNumber } from './quantity-number.ts';

/** Amounts that are being added up. */
export interface MutableAmounts {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  pods: number;
  extended: Map<string, number>;
}

type Quantities = Readonly<Record<string, string>> | undefined;

export function emptyAmounts(): MutableAmounts {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, pods: 0, extended: new Map() };
}

const noExtended: ReadonlyMap<string, number> = new Map();

/** A copy that later additions do not touch. */
export function copyAmounts(from: ResourceAmounts): ResourceAmounts {
  return {
    milliCpu: from.milliCpu,
    memory: from.memory,
    ephemeralStorage: from.ephemeralStorage,
    pods: from.pods,
    extended: from.extended.size === 0 ? noExtended : new Map(from.extended),
  };
}

/** Adds `sign` times `amounts`. */
export function addAmounts(to: MutableAmounts, amounts: ResourceAmounts, sign = 1): void {
  to.milliCpu += sign * amounts.milliCpu;
  to.memory += sign * amounts.memory;
  to.ephemeralStorage += sign * amounts.ephemeralStorage;
  to.pods += sign * amounts.pods;
  for (const [name, amount] of amounts.extended) to.extended.set(name, (to.extended.get(name) ?? 0) + sign * amount);
}

function raiseTo(to: MutableAmounts, amounts: ResourceAmounts): void {
  to.milliCpu = Math.max(to.milliCpu, amounts.milliCpu);
  to.memory = Math.max(to.memory, amounts.memory);
  to.ephemeralStorage = Math.max(to.ephemeralStorage, amounts.ephemeralStorage);
  for (const [name, amount] of amounts.extended) to.extended.set(name, Math.max(to.extended.get(name) ?? 0, amount));
}

/** Reads a list of quantities, such as a node's `allocatable`. */
export function amountsOf(quantities: Quantities): MutableAmounts {
  const amounts = emptyAmounts();
  for (const name in quantities) setAmount(amounts, name, quantityNumber(quantities[name]!));
  return amounts;
}

function setAmount(amounts: MutableAmounts, name: string, value: number): void {
  if (name === 'cpu') amounts.milliCpu = Math.ceil(value * 1000 - 1e-6);
  else if (name === 'memory') amounts.memory = Math.ceil(value);
  else if (name === 'ephemeral-storage') amounts.ephemeralStorage = Math.ceil(value);
  else if (name === 'pods') amounts.pods = Math.ceil(value);
  else amounts.extended.set(name, Math.ceil(value));
}

/** What scoring assumes of a container that requests nothing. */
const assumed = { milliCpu: 100, memory: 200 * 1024 * 1024 };

/**
 * Requests of a pod as Kubernetes adds them up (KEP-753): containers and restartable init containers together, or the
 * largest init container together with the restartable ones before it; then pod-level requests (KEP-2837) in their
 * place; then the overhead.
 */
export function podRequests(pod: Pod, options: { readonly nonZero: boolean }): ResourceAmounts {
  const requests = (container: Container) => {
    const amounts = amountsOf(container.resources?.requests);
    if (options.nonZero) {
      if (container.resources?.requests?.['cpu'] === undefined) amounts.milliCpu = assumed.milliCpu;
      if (container.resources?.requests?.['memory'] === undefined) amounts.memory = assumed.memory;
    }
    return amounts;
  };
  const total = emptyAmounts();
  for (const container of pod.spec?.containers ?? []) addAmounts(total, requests(container));
  const initContainers = pod.spec?.initContainers;
  if (initContainers && initContainers.length > 0) {
    const sidecars = emptyAmounts();
    const largest = emptyAmounts();
    for (const container of initContainers) {
      const own = requests(container);
      if (container.restartPolicy === 'Always') {
        addAmounts(total, own);
        addAmounts(sidecars, own);
        raiseTo(largest, sidecars);
      } else {
        addAmounts(own, sidecars);
        raiseTo(largest, own);
      }
    }
    raiseTo(total, largest);
  }
  const podLevel = pod.spec?.resources?.requests;
  for (const name in podLevel) {
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) {
      setAmount(total, name, quantityNumber(podLevel[name]!));
    }
  }
  if (pod.spec?.overhead) addAmounts(total, amountsOf(pod.spec.overhead));
  total.pods = 1;
  return total;
}
