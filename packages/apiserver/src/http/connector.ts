import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpRequest } from '../authentication/index.ts';
import type { UserInfo } from '../registry/contract.ts';
import type { HttpResponse } from './reply.ts';
import type { ResourceRequest } from './request-info.ts';

/** A request that is passed on to a kubelet, a pod or a service. It is authorised already. */
export interface ConnectRequest {
  readonly info: ResourceRequest;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly signal: AbortSignal;
}

/** Serves the subresources that are no objects: log, exec, attach, portforward and proxy. Rejects with `StatusError`. */
export interface Connector {
  /** Whether a request is one of these. */
  connects(info: ResourceRequest): boolean;
  serve(request: HttpRequest, response: HttpResponse, connect: ConnectRequest): Promise<void>;
  /** For an HTTP/1.1 Upgrade: joins the client's socket with the kubelet's. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, connect: ConnectRequest): Promise<void>;
}
