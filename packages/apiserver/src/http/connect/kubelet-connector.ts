import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Pod, type Random, StatusError } from '@keelson/core';
import { SpdyConnection } from '@keelson/core/streaming';
import type { WebSocket } from 'ws';
import type { HttpRequest } from '../../authentication/index.ts';
import type { Connector, ConnectRequest } from '../connector.ts';
import type { HttpResponse } from '../reply.ts';
import type { ResourceRequest } from '../request-info.ts';
import type { Forwarder } from './forward.ts';
import { logPath, streamPath } from './kubelet-path.ts';
import type { ObjectReader } from './object-reader.ts';
import { spdyPortForward, tunnelPortForward, webSocketPortForward } from './port-forward-tunnel.ts';
import {
  failRemoteCommand,
  spdyRemoteCommand,
  streamsOf,
  translateRemoteCommand,
  webSocketRemoteCommand,
} from './remote-command-translator.ts';
import {
  containerOf,
  kubeletOf,
  nodeTarget,
  parseProxyName,
  podTarget,
  serviceTarget,
  type Target,
} from './targets.ts';
import { acceptWebSocket, isWebSocket, offeredProtocols } from './web-sockets.ts';

const subresources: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries<readonly string[]>({
    pods: ['log', 'exec', 'attach', 'portforward', 'proxy'],
    services: ['proxy'],
    nodes: ['proxy'],
  }),
);

interface Destination {
  readonly target: Target;
  readonly path: string;
}

/** Passes what runs on nodes on to them: logs, exec, attach, port-forward, and the proxies to nodes, pods and services. */
export class KubeletConnector implements Connector {
  readonly #reader: ObjectReader;
  readonly #forwarder: Forwarder;
  readonly #random: Random;

  constructor(reader: ObjectReader, forwarder: Forwarder, random: Random) {
    this.#reader = reader;
    this.#forwarder = forwarder;
    this.#random = random;
  }

  connects({ group, version, resource, subresource }: ResourceRequest): boolean {
    return group === '' && version === 'v1' && (subresources.get(resource)?.includes(subresource ?? '') ?? false);
  }

  async serve(request: HttpRequest, response: HttpResponse, connect: ConnectRequest): Promise<void> {
    const { info } = connect;
    if (info.subresource === 'log') {
      if (info.verb !== 'get' && info.verb !== 'list') throw notAllowed();
      return this.#log(request, response, connect);
    }
    if (info.subresource === 'proxy') {
      const { target, path } = await this.#proxy(connect);
      return this.#forwarder.forward(target, path, request, response, connect.signal);
    }
    // Also without Upgrade the pod is looked for first: its errors say more.
    await this.#stream(connect);
    throw StatusError.badRequest('Upgrade request required');
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, connect: ConnectRequest): Promise<void> {
    const proxied = connect.info.subresource === 'proxy';
    const destination = proxied ? await this.#proxy(connect) : await this.#stream(connect);
    const offered = isWebSocket(request) && !proxied ? offeredProtocols(request) : [];
    if (offered.includes(webSocketRemoteCommand)) {
      await this.#remoteCommand(
        await acceptWebSocket(request, socket, head, webSocketRemoteCommand),
        destination,
        connect,
      );
    } else if (offered.includes(webSocketPortForward)) {
      const kubelet = await this.#openSpdy(destination, spdyPortForward, connect.signal);
      await tunnelPortForward(await acceptWebSocket(request, socket, head, webSocketPortForward), kubelet);
    } else {
      const { target, path } = destination;
      await this.#forwarder.tunnel(target, path, request, socket, head, connect.signal);
    }
  }

  /** Kubelets speak SPDY; what newer clients send over a WebSocket is translated. */
  async #remoteCommand(client: WebSocket, destination: Destination, { query, signal }: ConnectRequest): Promise<void> {
    let kubelet: Duplex;
    try {
      kubelet = await this.#openSpdy(destination, spdyRemoteCommand, signal);
    } catch (error) {
      return failRemoteCommand(client, error);
    }
    const connection = new SpdyConnection(kubelet, { role: 'client' });
    await translateRemoteCommand(client, connection, streamsOf(query));
  }

  #openSpdy({ target, path }: Destination, protocol: string, signal: AbortSignal): Promise<Duplex> {
    return this.#forwarder.openSpdy(target, path, [protocol], signal);
  }

  async #log(request: HttpRequest, response: HttpResponse, { info, query, signal }: ConnectRequest): Promise<void> {
    const { namespace = '', name = '' } = info;
    const pod = await this.#reader.pod(namespace, name);
    const container = containerOf(pod, query.get('container'));
    const path = logPath(namespace, name, container, query);
    if (!pod.spec?.nodeName) {
      response.writeHead(204);
      response.end();
      return;
    }
    await this.#forwarder.forward(await this.#kubelet(pod), path, request, response, signal);
  }

  async #stream({ info, query }: ConnectRequest): Promise<Destination> {
    const { namespace = '', name = '', subresource } = info;
    const kind = subresource === 'exec' || subresource === 'attach' ? subresource : 'portforward';
    const pod = await this.#reader.pod(namespace, name);
    const container = kind === 'portforward' ? undefined : containerOf(pod, query.get('container'));
    if (!pod.spec?.nodeName) throw StatusError.badRequest(`pod ${name} does not have a host assigned`);
    return { target: await this.#kubelet(pod), path: streamPath(kind, namespace, name, container, query) };
  }

  async #kubelet(pod: Pod): Promise<Target> {
    return kubeletOf(await this.#reader.node(pod.spec?.nodeName ?? ''));
  }

  async #proxy({ info, query }: ConnectRequest): Promise<Destination> {
    const { resource, namespace = '' } = info;
    const { scheme, name, port } = parseProxyName(info.name ?? '');
    const search = query.toString();
    const path = `${info.rest ?? '/'}${search === '' ? '' : `?${search}`}`;
    if (resource === 'nodes') return { target: nodeTarget(await this.#reader.node(name), scheme, port), path };
    if (resource === 'pods') return { target: podTarget(await this.#reader.pod(namespace, name), scheme, port), path };
    const service = await this.#reader.service(namespace, name);
    const slices = await this.#reader.endpointSlices(namespace, name);
    return { target: serviceTarget(service, slices, scheme, port, this.#random()), path };
  }
}

const notAllowed = () =>
  StatusError.methodNotAllowed('the server does not allow this method on the requested resource');
