import { EndpointSlice, type Random, Service, StatusError } from '@keelson/core';
import type { ObjectReader } from '../admission/object-reader.ts';

/** Where something that listens can be reached. */
export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
}

/** Finds what stands behind a Service, for the server's own calls: webhooks and extension servers. */
export interface ServiceResolver {
  /** Rejects with a `StatusError` in the words of Kubernetes where the Service, its port or an endpoint is missing. */
  resolve(namespace: string, name: string, port: number): Promise<NetworkAddress>;
}

const routed: ReadonlySet<string> = new Set(['ClusterIP', 'NodePort', 'LoadBalancer']);

/**
 * Picks one of the ready endpoints, as kube-apiserver does under `--enable-aggregator-routing`: the server's machine need
 * not run a service proxy.
 */
export class EndpointServiceResolver implements ServiceResolver {
  readonly #reader: ObjectReader;
  readonly #random: Random;

  constructor(reader: ObjectReader, random: Random) {
    this.#reader = reader;
    this.#random = random;
  }

  async resolve(namespace: string, name: string, port: number): Promise<NetworkAddress> {
    const service = await this.#reader.get(Service, name, namespace);
    // Kubernetes looks it up in a cache of the kind that knows no plural.
    if (!service) throw StatusError.notFound({ group: '', resource: 'service' }, name);
    const wanted = service.spec?.ports?.find((each) => each.port === port);
    const { type = 'ClusterIP' } = service.spec ?? {};
    if (!routed.has(type)) throw unavailable(`unsupported service type ${JSON.stringify(type)}`);
    if (!wanted) {
      throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
    }
    const slices = await this.#reader.list(EndpointSlice, namespace);
    const candidates: NetworkAddress[] = [];
    for (const { metadata, endpoints, ports } of slices) {
      if (metadata.labels?.['kubernetes.io/service-name'] !== name) continue;
      const served = ports?.find((each) => (each.name ?? '') === (wanted.name ?? ''))?.port;
      if (served === undefined) continue;
      for (const { addresses, conditions } of endpoints ?? []) {
        if (conditions?.ready === false) continue;
        for (const host of addresses) candidates.push({ host, port: served });
      }
    }
    const chosen = candidates[Math.floor(this.#random() * candidates.length)];
    if (!chosen) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
    return chosen;
  }
}

const unavailable = (message: string) => StatusError.of(503, 'ServiceUnavailable', message);
