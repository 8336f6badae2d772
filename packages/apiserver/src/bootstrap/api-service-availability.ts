import type { APIService, APIServiceCondition, EndpointSlice, Service } from '@keelson/core';

/** What is known of the Service that an APIService leads to. */
export interface Backend {
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
}

export type Finding = Omit<APIServiceCondition, 'lastTransitionTime'>;

const finding = (status: 'True' | 'False', reason: string, message: string): Finding => ({
  type: 'Available',
  status,
  reason,
  message,
});

/**
 * Whether requests can be answered for an APIService, in the words of Kubernetes' aggregator; `undefined`: its Service
 * leads to somebody, who has to be asked.
 */
export function availabilityOf({ spec }: APIService, backend: Backend): Finding | undefined {
  const { service: reference } = spec;
  if (!reference) return finding('True', 'Local', 'Local APIServices are always available');
  const { name = '', namespace = '', port = 443 } = reference;
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const { service, slices } = backend;
  if (!service) return finding('False', 'ServiceNotFound', `${where} is not present`);
  if ((service.spec?.type ?? 'ClusterIP') === 'ClusterIP') {
    const found = service.spec?.ports?.find((each) => each.port === port);
    if (!found) return finding('False', 'ServicePortError', `${where} is not listening on port ${port}`);
    if (slices.length === 0) return finding('False', 'EndpointsNotFound', `cannot find endpointslices for ${where}`);
    const portName = found.name ?? '';
    if (!slices.some((slice) => hasAddress(slice, portName))) {
      const why = `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`;
      return finding('False', 'MissingEndpoints', why);
    }
  }
  return undefined;
}

const hasAddress = ({ endpoints, ports }: EndpointSlice, portName: string) =>
  (ports ?? []).some((each) => (each.name ?? '') === portName) &&
  (endpoints ?? []).some((each) => each.addresses.length > 0 && each.conditions?.ready !== false);

/** The conditions with the finding in its place; undefined: it says so already. */
export function withAvailability(
  conditions: readonly APIServiceCondition[],
  found: Finding,
  now: string,
): readonly APIServiceCondition[] | undefined {
  const at = conditions.findIndex((each) => each.type === found.type);
  const old = conditions[at];
  if (!old) return [...conditions, { ...found, lastTransitionTime: now }];
  const { status, reason, message, lastTransitionTime } = old;
  if (status === found.status && reason === found.reason && message === found.message) return undefined;
  const next = { ...found, lastTransitionTime: status === found.status ? lastTransitionTime : now };
  return conditions.map((each, index) => (index === at ? next : each));
}
