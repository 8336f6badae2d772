import { isIP } from 'node:net';
import { type EndpointSlice, type Node, type Pod, type Service, StatusError } from '@keelson/core';

/** Where a request is passed on to. */
export interface Target {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  /** A kubelet is spoken to with the cluster's certificates; anything else without. */
  readonly kubelet: boolean;
}

const addressTypes = ['InternalIP', 'Hostname', 'InternalDNS', 'ExternalIP', 'ExternalDNS'];

/** The kubelet's HTTPS endpoint. Throws 500 for a node without address, as Kubernetes does. */
export function kubeletOf(node: Node): Target {
  const addresses = node.status?.addresses ?? [];
  const host = addressTypes.map((type) => addresses.find((each) => each.type === type)?.address).find(Boolean);
  if (!host) {
    const known = addresses.map(({ type, address }) => `{${type} ${address}}`).join(' ');
    throw StatusError.of(500, '', `no preferred addresses found; known addresses: [${known}]`);
  }
  return {
    protocol: 'https:',
    host,
    port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10250,
    kubelet: true,
  };
}

/** Which container is meant. Throws 400 when that is not clear or there is none of that name. */
export function containerOf(pod: Pod, asked: string | null): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  const all = [...names(initContainers), ...names(containers), ...names(ephemeralContainers)];
  const name = pod.metadata.name ?? '';
  if (asked) {
    if (all.includes(asked)) return asked;
    throw StatusError.badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const preferred = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (preferred !== undefined && all.includes(preferred)) return preferred;
  const [only] = containers;
  if (only && all.length === 1) return only.name;
  if (all.length === 0) throw StatusError.badRequest(`no containers in pod ${name}`);
  throw StatusError.badRequest(`a container name must be specified for pod ${name}, choose one of: [${all.join(' ')}]`);
}

/** The name part of a proxy path: `name`, `name:port` or `scheme:name:port`. */
export function parseProxyName(text: string): {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
} {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: '', name: first, port: '' };
  if (parts.length === 2) return { scheme: '', name: first, port: second };
  if (parts.length === 3 && (first === '' || first === 'http' || first === 'https')) {
    return { scheme: first, name: second, port: third };
  }
  throw StatusError.badRequest(`invalid proxy request ${JSON.stringify(text)}`);
}

const protocolOf = (scheme: string) => (scheme === 'https' ? ('https:' as const) : ('http:' as const));

export function podTarget(pod: Pod, scheme: string, port: string): Target {
  const ports = (pod.spec?.containers ?? []).flatMap((each) => each.ports ?? []);
  const number = port === '' ? ports[0]?.containerPort : Number(port);
  const host = proxyable(pod.status?.podIP);
  return {
    protocol: protocolOf(scheme),
    host,
    port: validPort(number ?? (scheme === 'https' ? 443 : 80)),
    kubelet: false,
  };
}

/** Picks one of the ready endpoints; `pick` is a number in [0, 1). */
export function serviceTarget(
  service: Service,
  slices: readonly EndpointSlice[],
  scheme: string,
  port: string,
  pick: number,
): Target {
  const name = service.metadata.name ?? '';
  const ports = service.spec?.ports ?? [];
  const wanted =
    port === '' && ports.length === 1
      ? ports[0]
      : ports.find((each) => each.name === port || String(each.port) === port);
  if (!wanted) {
    throw StatusError.of(
      503,
      'ServiceUnavailable',
      `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`,
    );
  }
  const candidates = slices.flatMap(({ endpoints, ports: served }) => {
    const number = served?.find((each) => (each.name ?? '') === (wanted.name ?? ''))?.port;
    const ready = (endpoints ?? []).filter((each) => each.conditions?.ready !== false);
    return number === undefined
      ? []
      : ready.flatMap(({ addresses }) => addresses.map((host) => ({ host, port: number })));
  });
  const chosen = candidates[Math.floor(pick * candidates.length)];
  if (!chosen) {
    throw StatusError.of(503, 'ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`);
  }
  return { protocol: protocolOf(scheme), host: proxyable(chosen.host), port: chosen.port, kubelet: false };
}

export function nodeTarget(node: Node, scheme: string, port: string): Target {
  const kubelet = kubeletOf(node);
  if (port === '' || port === String(kubelet.port)) return kubelet;
  return { protocol: protocolOf(scheme), host: kubelet.host, port: validPort(Number(port)), kubelet: false };
}

function validPort(port: number): number {
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw StatusError.badRequest(`invalid port number: ${port}`);
}

/**
 * Only addresses that a pod can have. Unlike Kubernetes this lets loopback through: without a network of their own,
 * pods here share the address of their node.
 */
function proxyable(address: string | undefined): string {
  const refused = !address || isIP(address) === 0 || /^(0\.|169\.254\.|fe80:|ff|22[4-9]\.|23\d\.)|^::$/i.test(address);
  if (refused) throw StatusError.badRequest('address not allowed');
  return address;
}
